/** Acts, hints and addresses as plain text. Pure. */

export interface Act {
  id: number;
  at: string;
  event: string;
  by: string;
  subject: string;
  details: Record<string, unknown>;
}

function written(value: unknown): string {
  if (Array.isArray(value)) return value.map(written).join(" ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What was done, in a line: the event's words, what it was about, and what is known of it. */
export function told(act: Act): string {
  const details = Object.entries(act.details)
    .filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name} ${written(value)}`);
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

/** What is known with some more, the newest first. `isWhole`: there is nothing between them that is missing. Pure. */
export function joined(known: readonly Act[], more: readonly Act[], isWhole: boolean): Act[] {
  const newest = known[0]?.id ?? 0;
  const isApart = !isWhole && more.every(({ id }) => id > newest);
  const all = new Map([...(isApart ? [] : known), ...more].map((one) => [one.id, one]));
  return [...all.values()].sort((a, b) => b.id - a.id);
}
