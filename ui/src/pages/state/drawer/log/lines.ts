/** Lines of a log as a person reads them: without colours, progress bars as they are now. Pure. */

/** A line is shown up to here; downloads have all of it. */
const MOST_OF_LINE = 8192;
/** A line that never ends is kept up to here until it does. */
const MOST_OF_REST = 1 << 16;

const ESC = String.fromCharCode(27);
const BELL = String.fromCharCode(7);
/** CSI sequences (colours, cursor), OSC ones (titles, links), and two-character ones (ECMA-48). */
const ESCAPES = new RegExp(
  `${ESC}(?:\\[[0-?]*[ -/]*[@-~]|\\][^${BELL}${ESC}]*(?:${BELL}|${ESC}\\\\)?|[@-Z\\\\^_])`,
  "g",
);
const CONTROLS = new RegExp(
  `[${String.fromCharCode(0)}-${String.fromCharCode(8)}${String.fromCharCode(11)}-${String.fromCharCode(31)}]`,
  "g",
);

/** The last state of a line that was written over and over with carriage returns. */
function lastState(line: string): string {
  if (!line.includes("\r")) return line;
  const states = line.split("\r");
  return states.findLast((state) => state !== "") ?? "";
}

/** One line, without its end. */
export function plainLine(raw: string): string {
  const text = lastState(raw).replace(ESCAPES, "").replace(CONTROLS, "");
  return text.length > MOST_OF_LINE
    ? `${text.slice(0, MOST_OF_LINE)} … (+${text.length - MOST_OF_LINE})`
    : text;
}

/** All lines of a whole text. */
export function plainLines(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map(plainLine);
}

/** Text as it comes in, cut into lines; what has no end yet is the last one. */
export class LineCutter {
  private rest = "";

  /** Complete lines that this part ends; `open` is then the line that has not ended. */
  take(text: string): string[] {
    const parts = (this.rest + text).split("\n");
    this.rest = parts.pop() ?? "";
    // Of a bar that is written over and over only its last state is kept.
    const at = this.rest.lastIndexOf("\r", this.rest.length - 2);
    if (at >= 0) this.rest = this.rest.slice(at + 1);
    if (this.rest.length > MOST_OF_REST) this.rest = this.rest.slice(-MOST_OF_REST);
    return parts.map(plainLine);
  }

  /** The line that has not ended, as it is now; null: there is none. */
  get open(): string | null {
    return this.rest === "" ? null : plainLine(this.rest);
  }

  clear(): void {
    this.rest = "";
  }
}

/** Where a text is found in lines, without regard to case; at most so many lines. */
export function find(lines: readonly string[], text: string, most = 100_000): number[] {
  if (text === "") return [];
  const pattern = patternOf(text);
  const found: number[] = [];
  for (let i = 0; i < lines.length && found.length < most; i++)
    if (pattern.test(lines[i] ?? "")) found.push(i);
  return found;
}

export function patternOf(text: string, flags = "i"): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), flags);
}
