/** The documents of the usage page, and what is computed of them. */
import type { Tenant } from "../../api/types";
import { csv } from "../../parts/download";

/** A row of `GET /api/usage`; null: it is not divided by that, or nobody knows. */
export interface Used {
  tenant: string | null;
  queue: string | null;
  day: string | null;
  /** A card's index; its UUID where it is gone. */
  gpu: number | string | null;
  gpu_hours: number;
  idle_gpu_hours: number | null;
  foreign_gpu_hours: number | null;
  efficiency_percent: number | null;
  n_started: number | null;
  n_ended: number | null;
  n_aborted: number | null;
  n_cancelled: number | null;
  n_completed: number | null;
  n_failed: number | null;
  wait_mean_s: number | null;
  wait_p50_s: number | null;
  wait_p95_s: number | null;
}

export interface Report {
  from: string;
  to: string;
  /** Of the machine's time zone, in which days are counted. */
  utc_offset_s: number;
  rows: Used[];
  total: Used;
  note: string | null;
}

export type By = "tenant" | "queue" | "gpu";

const SERIES = ["--series-1", "--series-2", "--series-3", "--series-4"] as const;
const REST_SERIES = "--series-5";

export interface Part {
  name: string;
  hours: number;
}

export interface Day {
  day: string;
  parts: Part[];
  foreign: number;
}

/** The API tells no more at once, and one more may have been begun. */
const MOST_DAYS = 401;

export const REST = "\u0000rest";

/** What a row is of. */
export function nameOf(row: Used, by: By): string {
  return String(row[by] ?? "");
}

/** The colour of a name: its own for those with the most hours, one for all others. */
export function colorOf(name: string, names: readonly string[]): string {
  const at = name === REST ? -1 : names.indexOf(name);
  return `var(${SERIES[at] ?? REST_SERIES})`;
}

/** The names with the most hours, as many as there are colours; the others go together. */
export function leading(rows: readonly Used[], by: By): string[] {
  const hours = new Map<string, number>();
  for (const row of rows) hours.set(nameOf(row, by), (hours.get(nameOf(row, by)) ?? 0) + row.gpu_hours);
  const sorted = [...hours].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name);
  return sorted.length <= SERIES.length ? sorted : [...sorted.slice(0, SERIES.length), REST];
}

/** The day that a time lies in, by the machine's calendar. `offsetS`: of its time zone. */
export function dayAt(ms: number, offsetS: number): string {
  return new Date(ms + offsetS * 1000).toISOString().slice(0, 10);
}

/** Midnight of a day by the machine's calendar, as the API takes it; `days` later. */
export function midnight(day: string, offsetS: number, days = 0): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86400e3 - offsetS * 1000).toISOString();
}

/** Every day of the range, also those on which nothing ran. `rows`: by name and day; `foreign`: by day. */
export function daysOf(
  { from, to, utc_offset_s: offsetS }: Pick<Report, "from" | "to" | "utc_offset_s">,
  rows: readonly Used[],
  foreign: readonly Used[],
  by: By,
  names: readonly string[],
): Day[] {
  const strange = new Map(foreign.map((row) => [row.day, row.foreign_gpu_hours ?? 0]));
  const found: Day[] = [];
  const last = dayAt(Date.parse(to) - 1, offsetS);
  for (
    let at = new Date(`${dayAt(Date.parse(from), offsetS)}T12:00:00Z`);
    found.length < MOST_DAYS;
    at = new Date(at.getTime() + 86400e3)
  ) {
    const day = at.toISOString().slice(0, 10);
    if (day > last) break;
    const hours = new Map<string, number>(names.map((name) => [name, 0]));
    for (const row of rows) {
      if (row.day !== day) continue;
      const name = names.includes(nameOf(row, by)) ? nameOf(row, by) : REST;
      hours.set(name, (hours.get(name) ?? 0) + row.gpu_hours);
    }
    found.push({
      day,
      parts: [...hours].map(([name, n]) => ({ name, hours: n })),
      foreign: strange.get(day) ?? 0,
    });
  }
  return found;
}

/** The part of all weights that a tenant is due, in percent, among those that used anything. */
export function targets(tenants: readonly Tenant[], rows: readonly Used[]): Map<string, number> {
  const active = tenants.filter((one) => rows.some((row) => row.tenant === one.name));
  const sum = active.reduce((all, one) => all + one.weight, 0);
  return new Map(active.map((one) => [one.name, (100 * one.weight) / Math.max(sum, 1e-9)]));
}

const COLUMNS: readonly (keyof Used)[] = [
  "tenant",
  "queue",
  "gpu",
  "day",
  "gpu_hours",
  "idle_gpu_hours",
  "foreign_gpu_hours",
  "efficiency_percent",
  "n_started",
  "n_ended",
  "n_completed",
  "n_failed",
  "n_cancelled",
  "n_aborted",
  "wait_mean_s",
  "wait_p50_s",
  "wait_p95_s",
];

/** The rows as CSV, with the names of their columns above. */
export function csvOf(rows: readonly Used[]): string {
  return csv([COLUMNS, ...rows.map((row) => COLUMNS.map((name) => row[name]))]);
}
