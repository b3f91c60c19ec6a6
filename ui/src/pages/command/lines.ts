/** What each line of a command file means: by the daemon's own parser, not by one of ours. */
import type { Block, Mode } from "./files";

export type Meaning = "queue" | "command" | "gpus" | "memory" | "comment" | "blank" | "none";

function isSilent(line: string): "comment" | "blank" | null {
  const text = line.trim();
  if (text === "") return "blank";
  return text.startsWith("#") ? "comment" : null;
}

/** The meaning of every line. `queues`: what the daemon found in exactly this text. */
export function meanings(
  text: string,
  mode: Mode,
  queues: Readonly<Record<string, readonly Block[]>>,
): Meaning[] {
  const lines = text.split("\n");
  const found: Meaning[] = lines.map((line) => isSilent(line) ?? "none");
  for (const block of Object.values(queues).flat()) {
    let at = block.line - 1;
    found[at] = "queue";
    const kinds: Meaning[] = [
      ...block.commands.map((): Meaning => "command"),
      ...(mode === "multi" ? (["gpus"] as const) : []),
      "memory",
    ];
    for (const kind of kinds) {
      do at += 1;
      while (at < lines.length && isSilent(lines[at] ?? "") !== null);
      if (at < lines.length) found[at] = kind;
    }
  }
  return found;
}

/** How many lines of two texts differ, roughly: for "n lines differ". */
export function countDifferent(before: string, after: string): number {
  const count = new Map<string, number>();
  for (const line of before.split("\n")) count.set(line, (count.get(line) ?? 0) + 1);
  let extra = 0;
  for (const line of after.split("\n")) {
    const left = count.get(line) ?? 0;
    if (left > 0) count.set(line, left - 1);
    else extra += 1;
  }
  const missing = [...count.values()].reduce((sum, n) => sum + n, 0);
  return Math.max(extra, missing);
}

const NAMED = /^\s*#+\s*(?:queue|lane|队列)\s*([\w.-]+)\s*[:：–-]\s*(.+?)\s*$/i;

/** What comments such as `# queue 1: evaluation` call the queues. */
export function queueNames(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (!line.includes("#")) continue;
    const [, queue, name] = NAMED.exec(line) ?? [];
    if (queue !== undefined && name !== undefined && !found.has(queue)) found.set(queue, name);
  }
  return found;
}

/** How wide a line is in a fixed font, in columns: Chinese characters take two, tabs go to the next eighth. */
export function columns(line: string): number {
  if (/^[ -~]*$/.test(line)) return line.length;
  let n = 0;
  for (const char of line) {
    const code = char.codePointAt(0) ?? 0;
    if (char === "\t") n += 8 - (n % 8);
    else n += code > 0x2e7f ? 2 : 1;
  }
  return n;
}

/** What a number or a queue id that is refused was likely meant to be: `26` of `26 gigs # all`. Null: nobody knows. */
export function repairOf(line: string, problem: string): string | null {
  const [value = ""] = line.split("#");
  const said = value.trim();
  if (/GPU memory|number of GPUs/.test(problem)) {
    const number = /^(\d+(?:\.\d+)?)(?![\d.])/.exec(said)?.[1];
    const isWhole = number !== undefined && !number.includes(".");
    return number === undefined || (/number of GPUs/.test(problem) && !isWhole) ? null : number;
  }
  if (!/queue id/.test(problem)) return null;
  const word = said.replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^-+|-+$/g, "");
  return word === "" || word === said || word.length > 64 ? null : word;
}

/** Where the value of a line stands, without blanks and its comment: from and to, in characters of the text. */
export function placeOfValue(text: string, line: number): [from: number, to: number] {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const [value = ""] = (lines[line - 1] ?? "").split("#");
  const blanks = value.length - value.trimStart().length;
  return [before + blanks, before + value.trimEnd().length];
}
