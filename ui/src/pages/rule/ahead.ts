/** The queue looked ahead: what is asked, and what the answer comes to. Pure. */
import type { SimulatedTask } from "../../api/types";
import type { Sent } from "../../parts/setting/values";

export const HOURS = 24;
const MOST_HOURS = 720;

/** What stands in the two fields. */
export interface Fields {
  hours: string;
  /** How long tasks take of which nothing is known, such as `2h`; empty: nothing is assumed. */
  assume: string;
}

export interface Question {
  settings: Record<string, unknown>;
  unset: string[];
  hours: number;
  assume: string | null;
}

export type Shift = "earlier" | "later" | "same";

/** Starts that are closer to each other count as the same, as they do for the daemon. */
const SAME_S = 1;

/** The hours that a text means; null: it is no whole number from 1 to 720. */
export function hoursOf(text: string): number | null {
  const trimmed = text.trim();
  const hours = Number(trimmed);
  return /^\d+$/.test(trimmed) && hours >= 1 && hours <= MOST_HOURS ? hours : null;
}

/** What is asked, without the settings of which nothing comes. */
export function questionOf(sent: Sent, hours: number, assume: string, without: readonly string[]): Question {
  return {
    settings: Object.fromEntries(Object.entries(sent.values).filter(([name]) => !without.includes(name))),
    unset: sent.unset.filter((name) => !without.includes(name)),
    hours,
    assume: assume.trim() || null,
  };
}

/** By how many seconds a task starts later with the changes; infinite where it starts under one of both alone. */
export function shiftOf({ now, then }: SimulatedTask): number {
  if (then === null || (now.start_at === null && then.start_at === null)) return 0;
  if (now.start_at === null) return Number.NEGATIVE_INFINITY;
  if (then.start_at === null) return Number.POSITIVE_INFINITY;
  return (Date.parse(then.start_at) - Date.parse(now.start_at)) / 1000;
}

export function kindOf(shift: number): Shift {
  return Math.abs(shift) < SAME_S ? "same" : shift < 0 ? "earlier" : "later";
}

/** Those first whose start differs most; the others as the daemon tells them, by their start. */
export function byDifference(tasks: readonly SimulatedTask[]): SimulatedTask[] {
  const size = (one: SimulatedTask) =>
    kindOf(shiftOf(one)) === "same" ? 0 : Math.min(Math.abs(shiftOf(one)), Number.MAX_VALUE);
  return [...tasks].sort((one, other) => size(other) - size(one));
}

/** Where run times come from, from the surest on. */
export const BASES = ["learned", "limit", "assumed", "unknown"] as const;
