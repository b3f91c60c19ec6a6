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
