/** The filter box's language: `state:failed user:mei queue:vision gpu:3 since:today any text`. Pure. */
import type { Row, TaskState } from "../../api/types";
import { ENDED, isEnded, LIVE } from "../../words/states";

export const KEYS = ["state", "user", "queue", "tag", "since", "gpu", "reason", "submission"] as const;
export type Key = (typeof KEYS)[number];

export interface Token {
  /** What it was written as; chips show it. */
  raw: string;
  key: Key | "text";
  /** Alternatives, in lower case but for times. */
  values: readonly string[];
  /** `-state:failed`: everything else. */
  isNot: boolean;
  /** The value cannot be read: the token filters nothing, and its chip says so. */
  isWrong: boolean;
}

/** Words for several states, beside the states themselves. */
export const STATE_GROUPS: Readonly<Record<string, readonly TaskState[]>> = {
  live: LIVE,
  ended: ENDED,
};

const STATES: readonly string[] = [...LIVE, ...ENDED];

/** Words, with "quoted ones" and key:"quoted values" kept together. */
export function wordsOf(text: string): string[] {
  return text.match(/(?:[^\s"]+|"[^"]*"?)+/g) ?? [];
}

export function parse(text: string, now: number): Token[] {
  return wordsOf(text).map((raw) => parseWord(raw, now));
}

function parseWord(raw: string, now: number): Token {
  const isNot = raw.startsWith("-") && raw.includes(":");
  const bare = isNot ? raw.slice(1) : raw;
  const at = bare.indexOf(":");
  const key = KEYS.find((known) => known === bare.slice(0, at).toLowerCase());
  if (key === undefined) {
    const values = [bare.replaceAll('"', "").toLowerCase()];
    return { raw, key: "text", values, isNot: false, isWrong: false };
  }
  const values = bare
    .slice(at + 1)
    .replaceAll('"', "")
    .split(",")
    .filter(Boolean)
    .map((value) => (key === "since" ? value : value.toLowerCase()));
  return { raw, key, values, isNot, isWrong: !isReadable(key, values, now) };
}

function isReadable(key: Key, values: readonly string[], now: number): boolean {
  if (values.length === 0) return false;
  if (key === "state") return values.every((value) => STATES.includes(value) || value in STATE_GROUPS);
  if (key === "since") return values.length === 1 && sinceMs(values[0] ?? "", now) !== null;
  if (key === "submission") return values.every((value) => /^\d+$/.test(value));
  return true;
}

const UNITS: Readonly<Record<string, number>> = { m: 60e3, h: 3600e3, d: 86400e3, w: 7 * 86400e3 };

/** `today`, `yesterday`, `2h`, `7d`, `14:30`, `2026-08-01`, `2026-08-01T14:30`: milliseconds, local time. */
export function sinceMs(value: string, now: number): number | null {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (value === "today") return midnight;
  if (value === "yesterday") return new Date(midnight - 43200e3).setHours(0, 0, 0, 0);
  const ago = /^(\d{1,6})([mhdw])$/.exec(value);
  if (ago) return now - Number(ago[1]) * (UNITS[ago[2] ?? ""] ?? 0);
  const clock = /^(\d{1,2}):(\d{2})$/.exec(value);
  if (clock && Number(clock[1]) < 24 && Number(clock[2]) < 60)
    return new Date(now).setHours(Number(clock[1]), Number(clock[2]), 0, 0);
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2})?$/.test(value)) return null;
  const at = Date.parse(value.includes("T") ? value : `${value}T00:00`);
  return Number.isNaN(at) ? null : at;
}

/** Whose eyes and which moment a filter means by `me` and `today`. */
export interface Eyes {
  tenant: string;
  now: number;
}

export type Test = (row: Row) => boolean;

/** A task has one of each: two tokens of such a key can only mean either. */
const ONE_OF: readonly Token["key"][] = ["state", "user", "queue", "reason", "submission"];

/** The tokens that can be read, with `queue:a queue:b` as `queue:a,b`. */
function readable(tokens: readonly Token[]): Token[] {
  const found: Token[] = [];
  for (const token of tokens) {
    if (token.isWrong) continue;
    const at = found.findIndex((one) => one.key === token.key && !one.isNot);
    const before = found[at];
    if (before === undefined || token.isNot || !ONE_OF.includes(token.key)) found.push(token);
    else found[at] = { ...before, values: [...before.values, ...token.values] };
  }
  return found;
}

/** One test of all tokens; those that cannot be read filter nothing. */
export function testOf(tokens: readonly Token[], eyes: Eyes): Test {
  const tests = readable(tokens).map((token) => one(token, eyes));
  return (row) => tests.every((test) => test(row));
}

function one(token: Token, eyes: Eyes): Test {
  const test = positive(token, eyes);
  return token.isNot ? (row) => !test(row) : test;
}

function positive({ key, values }: Token, { tenant, now }: Eyes): Test {
  const wanted = new Set(values);
  switch (key) {
    case "state": {
      const states = new Set(values.flatMap((value) => STATE_GROUPS[value] ?? [value as TaskState]));
      return (row) => states.has(row.state);
    }
    case "user":
      if (wanted.has("me")) wanted.add(tenant.toLowerCase());
      return (row) => wanted.has(row.tenant.toLowerCase());
    case "queue":
      return (row) => wanted.has(row.queue.toLowerCase());
    case "tag":
      return (row) => row.tags.some((tag) => wanted.has(tag.toLowerCase()));
    case "gpu":
      return (row) => row.gpus.some((gpu) => wanted.has(String(gpu).toLowerCase()));
    case "reason":
      return (row) => wanted.has(row.pending_reason ?? row.end_reason ?? "");
    case "submission":
      return (row) => wanted.has(String(row.submission_id));
    case "since": {
      const from = sinceMs(values[0] ?? "", now) ?? 0;
      return (row) => !isEnded(row.state) || Date.parse(row.ended_at ?? row.submitted_at) >= from;
    }
    case "text":
      return (row) => hasText(row, values[0] ?? "");
  }
}

function hasText(row: Row, text: string): boolean {
  if (text.replace(/^#/, "") === String(row.id)) return true;
  const places = [row.name, row.command, row.tenant, row.queue, row.pending_detail, row.end_detail];
  return (
    places.some((place) => place?.toLowerCase().includes(text)) ||
    row.tags.some((tag) => tag.toLowerCase().includes(text))
  );
}

/** What of it the daemon can answer when older tasks are read; the rest is looked at here. */
export function queryOf(
  tokens: readonly Token[],
  eyes: Eyes,
  isAdmin: boolean,
): Record<string, string | readonly string[]> {
  const query: Record<string, string | readonly string[]> = { state: ENDED };
  for (const { key, values, isNot } of readable(tokens)) {
    if (isNot) continue;
    const only = values.length === 1 ? values[0] : undefined;
    if (key === "state") {
      const states = values.flatMap((value) => STATE_GROUPS[value] ?? [value as TaskState]);
      query.state = ENDED.filter((state) => states.includes(state));
    }
    if (only === undefined) continue;
    if (key === "queue" || key === "submission") query[key] = only;
    if (key === "user" && isAdmin) query.tenant = only === "me" ? eyes.tenant : only;
  }
  return query;
}

/** No ended task older than this is asked for; null: all are. */
export function oldest(tokens: readonly Token[], now: number): number | null {
  const since = tokens.find((token) => token.key === "since" && !token.isNot && !token.isWrong);
  return since ? sinceMs(since.values[0] ?? "", now) : null;
}

/** The text with a token in or out, such as a lane's `queue:vision`. */
export function toggled(text: string, token: string): string {
  const words = wordsOf(text);
  return (words.includes(token) ? words.filter((word) => word !== token) : [token, ...words]).join(" ");
}

/** A value as it stands behind a key. */
export function quoted(value: string): string {
  return /[\s",]/.test(value) ? `"${value.replaceAll('"', "")}"` : value;
}

export interface Known {
  states: readonly string[];
  users: readonly string[];
  queues: readonly string[];
  tags: readonly string[];
  gpus: readonly string[];
  reasons: readonly string[];
}

const MOST = 8;

/** What the word that is being typed may become. A key ends with `:`, to go on with its values. */
export function completions(word: string, known: Known): string[] {
  const sign = word.startsWith("-") ? "-" : "";
  const bare = word.slice(sign.length);
  const at = bare.indexOf(":");
  if (at < 0) {
    if (bare === "") return sign ? [] : KEYS.map((key) => `${key}:`);
    return KEYS.filter((key) => key.startsWith(bare.toLowerCase())).map((key) => `${sign}${key}:`);
  }
  const key = bare.slice(0, at).toLowerCase();
  const values = valuesOf(key, known);
  const parts = bare.slice(at + 1).split(",");
  const last = (parts.pop() ?? "").replaceAll('"', "").toLowerCase();
  const before = parts.map((part) => `${part},`).join("");
  return values
    .filter((value) => value.toLowerCase().startsWith(last) && !parts.includes(value))
    .slice(0, MOST)
    .map((value) => `${sign}${key}:${before}${quoted(value)}`);
}

function valuesOf(key: string, known: Known): readonly string[] {
  switch (key) {
    case "state":
      return [...known.states, ...Object.keys(STATE_GROUPS)];
    case "user":
      return ["me", ...known.users];
    case "queue":
      return known.queues;
    case "tag":
      return known.tags;
    case "gpu":
      return known.gpus;
    case "reason":
      return known.reasons;
    case "since":
      return ["today", "yesterday", "1h", "6h", "7d"];
    default:
      return [];
  }
}
