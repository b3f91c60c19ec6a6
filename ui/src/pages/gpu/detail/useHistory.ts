/** A card's measures over a range, with the tasks that were on it. */
import { useMemo } from "react";
import { path } from "../../../api/client";
import type { Gpu } from "../../../api/types";
import { useLive } from "../../../store/live";
import { useResource } from "../../../store/resource";
import { useRights } from "../../../store/session";
import { ENDED, isEnded } from "../../../words/states";
import { GUEST_FIELDS, type Guest, type Stay, staysOn, type Values } from "./kinds";

/** Ranges: how far back, a point's width in seconds, how often it is read anew, how many ended tasks are looked at. */
export const RANGES = {
  "15m": { from: "-15m", step: 5, everyMs: 5_000, nTasks: 200 },
  "1h": { from: "-1h", step: 15, everyMs: 15_000, nTasks: 500 },
  "6h": { from: "-6h", step: 60, everyMs: 60_000, nTasks: 1000 },
  "24h": { from: "-24h", step: 240, everyMs: 60_000, nTasks: 1000 },
  "7d": { from: "-7d", step: 1800, everyMs: 300_000, nTasks: 2000 },
  "30d": { from: "-30d", step: 7200, everyMs: 300_000, nTasks: 2000 },
} as const;

export type Range = keyof typeof RANGES;

/** So many of my tasks that may share the card are asked for their own memory. */
const MOST_OWN = 16;

interface Answer {
  from: string;
  to: string;
  step_s: number;
  n_points: number;
  note: string | null;
  problem: string | null;
  gpus: { series: Record<string, { mean: Values }> }[];
  tasks: { id: number; series: Record<string, { mean: Values }> }[];
}

export interface History {
  from: number;
  to: number;
  stepS: number;
  problem: string | null;
  stays: Stay[];
  own: ReadonlyMap<number, Values>;
  series: (name: string) => Values;
}

function useGuests(range: Range): ReadonlyMap<number, Guest> {
  const { nTasks, everyMs } = RANGES[range];
  const { data } = useResource<Guest[]>(
    path("/api/tasks", { state: ENDED, newest: 1, limit: nTasks, fields: GUEST_FIELDS }),
    { everyMs: Math.max(everyMs, 60_000) },
  );
  const live = useLive((known) => known.tasks);
  return useMemo(() => {
    const all = new Map<number, Guest>((data ?? []).map((task) => [task.id, task]));
    for (const [id, task] of live) all.set(id, task);
    return all;
  }, [data, live]);
}

export function useHistory(gpu: Gpu, range: Range): History | null {
  const { from, step, everyMs } = RANGES[range];
  const me = useRights().tenant;
  const guests = useGuests(range);
  // Who runs now, and who took a part of the card: others hold all of it, so that their memory is known.
  const own = useMemo(
    () =>
      [...guests.values()]
        .filter((task) => task.tenant === me && task.memory_mib !== null && task.gpus.includes(gpu.index))
        .sort((a, b) => Number(isEnded(a.state)) - Number(isEnded(b.state)) || b.id - a.id)
        .slice(0, MOST_OWN)
        .map((task) => task.id)
        .join(","),
    [guests, me, gpu.index],
  );
  const task = own === "" ? [] : own.split(",");
  const { data } = useResource<Answer>(path("/api/monitor/metrics", { gpu: gpu.uuid, from, step, task }), {
    everyMs,
  });
  return useMemo(() => {
    const card = data?.gpus[0];
    if (data === null || card === undefined) return null;
    const [begin, end] = [Date.parse(data.from), Date.parse(data.to)];
    return {
      from: begin,
      to: end,
      stepS: data.step_s,
      problem: data.problem,
      stays: staysOn(gpu.index, guests.values(), begin, end),
      own: new Map(data.tasks.map((task) => [task.id, task.series.gpu_memory_mib?.mean ?? []])),
      series: (name) => card.series[name]?.mean ?? [],
    };
  }, [data, guests, gpu.index]);
}
