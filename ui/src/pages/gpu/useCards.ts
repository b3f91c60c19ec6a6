/** Everything that the cards are drawn from, gathered once for all of them. */
import { useMemo } from "react";
import { path } from "../../api/client";
import type { Gpu, Row } from "../../api/types";
import { useLive } from "../../store/live";
import { useResource } from "../../store/resource";
import { useRights } from "../../store/session";
import { isEnded } from "../../words/states";
import type { CardProps } from "./GpuCard";
import type { PlanAnswer } from "./plan";

interface Metrics {
  n_points: number;
  gpus: (Gpu & { series: Record<string, { mean: (number | null)[] }> })[];
}

interface Act {
  at: string;
  event: string;
  by: string;
  subject: string;
}

const MINUTE_MS = 60_000;
const PLAN_MS = 30_000;
/** An audit entry is looked for so far back. */
const SET_SINCE = "-30d";

/** The last hour of all cards, in one request a minute. */
export function useHour(): ReadonlyMap<string, readonly (number | null)[]> {
  const { data } = useResource<Metrics>(path("/api/monitor/metrics", { from: "-1h", step: 60 }), {
    everyMs: MINUTE_MS,
  });
  return useMemo(
    () => new Map(data?.gpus.map((gpu) => [gpu.uuid, gpu.series.utilization_percent?.mean ?? []])),
    [data],
  );
}

export function usePlan(hours: string): PlanAnswer | null {
  const on = ["task", "gpu", "queue", "config"];
  return useResource<PlanAnswer>(path("/api/plan", { hours }), { on, everyMs: PLAN_MS }).data;
}

/** The mean of those that are known, point by point. */
export function meanOf(all: readonly (readonly (number | null)[])[]): (number | null)[] {
  const n = Math.max(0, ...all.map((values) => values.length));
  return Array.from({ length: n }, (_, i) => {
    const known = all.map((values) => values[i] ?? null).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  });
}

/** Who ignored or drained cards; admins may know. */
function useSetters(gpus: readonly Gpu[]): ReadonlyMap<string, Act> {
  const { isAdmin } = useRights();
  const isWanted = isAdmin && gpus.some(({ state }) => state === "ignored" || state === "draining");
  const target = isWanted ? path("/api/audit", { since: SET_SINCE, limit: 1000, newest: 1 }) : null;
  const { data } = useResource<Act[]>(target, { on: ["gpu"] });
  return useMemo(() => {
    const acts = (data ?? []).filter(({ event }) => event === "gpu_ignored" || event === "gpu_drained");
    return new Map(acts.sort((a, b) => (a.at < b.at ? -1 : 1)).map((act) => [act.subject, act]));
  }, [data]);
}

/** Tasks that have ended and were on cards, as far as the page knows them. */
export function useEnded(): Row[] {
  const tasks = useLive((live) => live.tasks);
  return useMemo(
    () => [...tasks.values()].filter((task) => isEnded(task.state) && task.gpus.length > 0),
    [tasks],
  );
}

export function useCards(
  plan: PlanAnswer | null,
  hour: ReadonlyMap<string, readonly (number | null)[]>,
): CardProps[] {
  const gpus = useLive((live) => live.gpus);
  const byId = useLive((live) => live.tasks);
  const { isAdmin, tenant: me } = useRights();
  const setters = useSetters(gpus);
  const ended = useEnded();
  return useMemo(() => {
    const plans = new Map(plan?.gpus.map((one) => [one.uuid, one]));
    const last = new Map<number | string, string>();
    for (const { gpus: held, ended_at } of ended) {
      for (const index of held)
        if (ended_at !== null && ended_at > (last.get(index) ?? "")) last.set(index, ended_at);
    }
    return gpus.map((gpu) => ({
      gpu,
      byId,
      me,
      tasks: gpu.tasks.map((id) => byId.get(id)).filter((task) => task !== undefined),
      plan: plans.get(gpu.uuid),
      // Others are not told of all tasks: what they saw end may not have been the last.
      idleSince: isAdmin ? (last.get(gpu.index) ?? null) : null,
      set: setters.get(gpu.uuid) ?? null,
      hour: hour.get(gpu.uuid) ?? [],
    }));
  }, [gpus, byId, me, isAdmin, plan, hour, setters, ended]);
}
