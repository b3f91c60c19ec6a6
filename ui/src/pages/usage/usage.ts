/** The documents of the usage page, and what is computed of them. */
import type { Tenant } from "../../api/types";
import { csv } from "../../parts/download";

/** A row of `GET /api/usage`; null: it is not divided by that, or nobody knows. */
export interface Used {
  tenant: string | null;
  queue: string | null;
  day: string | null;
  gpu_hours: number;
  idle_gpu_hours: number | null;
  foreign_gpu_hours: number | null;
  efficiency_percent: number | null;
  n_started: number;
  n_ended: number;
  n_aborted: number;
  n_cancelled: number;
  n_completed: number;
  n_failed: number;
  wait_mean_s: number | null;
  wait_p50_s: number | null;
  wait_p95_s: number | null;
}

export interface Report {
  from: string;
  to: string;
  rows: Used[];
  total: Used;
  note: string | null;
}

export type By = "tenant" | "queue";

export const SERIES = ["--series-1", "--series-2", "--series-3", "--series-4"] as const;

export interface Part {
  name: string;
  hours: number;
}

export interface Day {
  day: string;
  parts: Part[];
  foreign: number;
}

export const REST = "\u0000rest";

/** The names with the most hours, as many as there are colours; the others go together. */
export function leading(rows: readonly Used[], by: By): string[] {
  const hours = new Map<string, number>();
  for (const row of rows) hours.set(row[by] ?? "", (hours.get(row[by] ?? "") ?? 0) + row.gpu_hours);
  const sorted = [...hours].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name);
  return sorted.length <= SERIES.length ? sorted : [...sorted.slice(0, SERIES.length - 1), REST];
}

/** Every day of the range, also those on which nothing ran. `rows`: by name and day; `foreign`: by day. */
export function daysOf(
  from: string,
  to: string,
  rows: readonly Used[],
  foreign: readonly Used[],
  by: By,
  names: readonly string[],
): Day[] {
  const strange = new Map(foreign.map((row) => [row.day, row.foreign_gpu_hours ?? 0]));
  const found: Day[] = [];
  const last = to.slice(0, 10);
  for (
    let at = new Date(`${from.slice(0, 10)}T12:00:00Z`);
    found.length < 400;
    at = new Date(at.getTime() + 86400e3)
  ) {
    const day = at.toISOString().slice(0, 10);
    if (day > last) break;
    const hours = new Map<string, number>(names.map((name) => [name, 0]));
    for (const row of rows) {
      if (row.day !== day) continue;
      const name = names.includes(row[by] ?? "") ? (row[by] ?? "") : REST;
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
