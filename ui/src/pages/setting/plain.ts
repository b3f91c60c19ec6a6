/** Acts, hints and addresses as plain text. Pure. */

export interface Act {
  at: string;
  event: string;
  by: string;
  subject: string;
  details: Record<string, unknown>;
}

/** What was done, in a line: the event's words, what it was about, and what is known of it. */
export function told(act: Act): string {
  const details = Object.entries(act.details)
    .filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  return [act.event.replaceAll("_", " "), act.subject, details.join(", ")].filter(Boolean).join(" · ");
}

const COMMAND = /`?((?:gavelq|sudo|loginctl|systemctl|chmod|modprobe|nvidia-smi) [^`]+?)`?\.?$/;

/** A hint in two parts: its words, and the command at its end. */
export function hintParts(hint: string): [text: string, command: string] {
  const found = COMMAND.exec(hint);
  if (found === null) return [hint.replaceAll("`", ""), ""];
  return [hint.slice(0, found.index).replaceAll("`", "").trim(), found[1] ?? ""];
}

/** What a URL shows of itself: the rest of it may be a secret. */
export function masked(url: string): string {
  if (url.startsWith("mailto:")) return url;
  const found = /^(https?):\/\/(?:[^/@]*@)?([^/?#]+)/.exec(url);
  return found ? `${found[1]}://${found[2]}` : `${url.split(":")[0]}:…`;
}
