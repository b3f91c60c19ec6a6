/** What a card's history is made of: whose memory it was, and what lasted. Pure; times are milliseconds. */
import type { Gpu, Row } from "../../../api/types";
import { csv } from "../../../parts/download";
import type { Band } from "../../../parts/HistoryChart";
import { taskPath } from "../../../parts/TaskLink";

export type Values = readonly (number | null)[];

/** A task that was on the card. */
export type Guest = Pick<
  Row,
  "id" | "name" | "tenant" | "state" | "gpus" | "started_at" | "ended_at" | "memory_mib"
>;

export const GUEST_FIELDS = "id,name,tenant,state,gpus,started_at,ended_at,memory_mib";

export interface Stay {
  task: Guest;
  from: number;
  to: number;
}

/** When tasks were on a card, as far as that lies in a range; those that run last until its end. */
export function staysOn(index: Gpu["index"], tasks: Iterable<Guest>, from: number, to: number): Stay[] {
  const found: Stay[] = [];
  for (const task of tasks) {
    if (task.started_at === null || !task.gpus.includes(index)) continue;
    const stay = {
      task,
      from: Date.parse(task.started_at),
      to: task.ended_at === null ? to : Date.parse(task.ended_at),
    };
    if (stay.to > from && stay.from < to) found.push(stay);
  }
  return found.sort((a, b) => a.from - b.from);
}

export interface Split {
  mine: (number | null)[];
  others: (number | null)[];
  foreign: (number | null)[];
}

/**
 * The memory in use, point by point, by whose it was.
 *
 * Where only mine or only others' tasks were there it is theirs; where both were, what my tasks were seen to use is mine.
 * `own`: the measured memory of my tasks that may share, by id. All in MiB.
 */
export function split(
  used: Values,
  foreign: Values,
  nTasks: Values,
  stays: readonly Stay[],
  me: string,
  own: ReadonlyMap<number, Values>,
  at: (i: number) => number,
): Split {
  const mine = stays.filter(({ task }) => task.tenant === me);
  const parts: Split = { mine: [], others: [], foreign: [] };
  used.forEach((all, i) => {
    const strange = Math.min(all ?? 0, foreign[i] ?? 0);
    const here = mine.filter((stay) => stay.from <= at(i) && at(i) <= stay.to);
    const isAlone = here.length > 0 && (nTasks[i] ?? here.length) < here.length + 0.5;
    const seen = here.reduce((sum, { task }) => sum + (own.get(task.id)?.[i] ?? 0), 0);
    const rest = (all ?? 0) - strange;
    const ours = isAlone ? rest : Math.min(rest, seen);
    parts.mine.push(all === null ? null : ours);
    parts.others.push(all === null ? null : rest - ours);
    parts.foreign.push(all === null ? null : strange);
  });
  return parts;
}

/** Less is noise of the driver, not somebody. */
const SOMEBODY_MIB = 64;

/** When foreign memory was there, without a break. */
export function foreignSpans(foreign: Values, from: number, stepMs: number): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = [];
  foreign.forEach((mib, i) => {
    if ((mib ?? 0) < SOMEBODY_MIB) return;
    const begins = from + i * stepMs;
    const last = spans.at(-1);
    if (last !== undefined && last.to === begins) last.to = begins + stepMs;
    else spans.push({ from: begins, to: begins + stepMs });
  });
  return spans;
}

/** Tasks as bands, and foreign use. */
export function bandsOf(
  stays: readonly Stay[],
  foreign: readonly { from: number; to: number }[],
  me: string,
  foreignText: string,
): Band[] {
  return [
    ...stays.map(({ task, from, to }): Band => {
      const text = `#${task.id} ${task.name} ${task.tenant}`;
      const fill = task.tenant === me ? "mine" : "others";
      return { key: String(task.id), text, fill, from, to, href: taskPath(task.id) };
    }),
    ...foreign.map(
      ({ from, to }): Band => ({ key: `foreign ${from}`, text: foreignText, fill: "foreign", from, to }),
    ),
  ];
}

/** Lines as a table for other programs, times in UTC. */
export function csvOf(
  columns: readonly { name: string; values: Values }[],
  from: number,
  stepMs: number,
): string {
  const n = Math.max(0, ...columns.map(({ values }) => values.length));
  const rows = Array.from({ length: n }, (_, i) => [
    new Date(from + i * stepMs).toISOString(),
    ...columns.map(({ values }) => values[i]),
  ]);
  return csv([["at", ...columns.map(({ name }) => name)], ...rows]);
}
