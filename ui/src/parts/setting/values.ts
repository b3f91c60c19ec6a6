/** Values of settings: as a person writes them, as they are sent, and whether they differ. Pure. */
import type { Setting } from "../../api/types";

/** What somebody wants of a setting: its default, a value, or what was typed so far. */
export type Wish = { isDefault: true } | { value: unknown } | { text: string };
export type Draft = Readonly<Record<string, Wish>>;

const LISTS: Readonly<Record<string, RegExp>> = {
  words: /[,\n]+/,
  directories: /[,\n]+/,
  end_reasons: /[,\s]+/,
  urls: /\s+/,
};
const NUMBERS: readonly string[] = ["whole", "number", "seconds", "retries"];

/** Whether a setting's value is several texts. */
export function isList(row: Setting): boolean {
  return row.kind in LISTS;
}

/** A value as it stands in a text field; empty where there is none. */
export function written(row: Setting, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.join(row.kind === "urls" ? " " : ", ");
  return String(value);
}

/** What was typed, as it is sent. What is no number is sent as it is: the daemon says what it wants instead. */
export function read(row: Setting, text: string): unknown {
  const trimmed = text.trim();
  const splitter = LISTS[row.kind];
  if (splitter !== undefined) {
    return trimmed
      .split(splitter)
      .map((part) => part.trim())
      .filter((part) => part !== "");
  }
  if (row.optional && (trimmed === "" || trimmed === "none")) return null;
  if (NUMBERS.includes(row.kind) && /^[-+]?\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  return trimmed;
}

/** What a wish stands for. */
export function wished(row: Setting, wish: Wish | undefined): unknown {
  if (wish === undefined) return row.value;
  if ("isDefault" in wish) return row.default;
  return "value" in wish ? wish.value : read(row, wish.text);
}

export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Whether the file says something about it. */
export function isInFile(row: Setting): boolean {
  return row.source.startsWith("file");
}

/** Whether the daemon's environment or command line decides, so that the file cannot. */
export function isFixed(row: Setting): boolean {
  return row.source === "env" || row.source === "flag";
}

function isChange(row: Setting, wish: Wish): boolean {
  if ("isDefault" in wish) return isInFile(row);
  return !isSame(wished(row, wish), row.value);
}

/** What a draft would write into the file, and what it would take out of it. */
export interface Sent {
  values: Record<string, unknown>;
  unset: string[];
}

/** Only what is different from what holds now. */
export function toSend(rows: readonly Setting[], draft: Draft): Sent {
  const sent: Sent = { values: {}, unset: [] };
  for (const row of rows) {
    const wish = draft[row.name];
    if (wish === undefined || !isChange(row, wish)) continue;
    if ("isDefault" in wish) sent.unset.push(row.name);
    else sent.values[row.name] = wished(row, wish);
  }
  return sent;
}

/** The settings that a draft changes. */
export function namesOf(sent: Sent): string[] {
  return [...Object.keys(sent.values), ...sent.unset];
}
