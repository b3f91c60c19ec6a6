/** What each card's memory is given to, as a run of a command file sees it. Pure. */
import type { Gpu } from "../../api/types";
import type { Run } from "./files";

export type Kind = "mine" | "others" | "foreign" | "reserved";

export interface PlannedCard {
  uuid: string;
  spans: { kind: string }[];
}

export interface Bar {
  index: Gpu["index"];
  uuid: string;
  total: number;
  /** In MiB, in the order in which they are drawn. */
  parts: { kind: Kind; mib: number }[];
}

const MIB = 1024;

/** What the run's tasks that run declared on each card, by the card's index. */
function declared(run: Run): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const lane of Object.values(run.queues)) {
    for (const one of lane.processes) {
      if (one.started_at === null || one.ended_at !== null) continue;
      for (const gpu of one.gpus)
        found.set(String(gpu), (found.get(String(gpu)) ?? 0) + (one.memory_gb ?? 0) * MIB);
    }
  }
  return found;
}

/** A card for each GPU: taken is what is in use, or promised to tasks that run there. */
export function barsOf(gpus: readonly Gpu[], run: Run, planned: readonly PlannedCard[]): Bar[] {
  const own = declared(run);
  return gpus.map((gpu) => {
    const total = gpu.memory_total_mib;
    const isTaken = gpu.tasks.length > 0 || (gpu.n_other_tasks ?? 0) > 0;
    const taken = Math.max(gpu.memory_used_mib ?? 0, isTaken ? total - (gpu.memory_free_mib ?? 0) : 0);
    const isMine = run.gpus_used.some((index) => String(index) === String(gpu.index));
    const mine = isMine ? Math.min(taken, own.get(String(gpu.index)) || taken) : 0;
    const isForeign = gpu.state === "foreign";
    const isKept =
      gpu.state === "free" &&
      planned.some((one) => one.uuid === gpu.uuid && one.spans[0]?.kind === "reserved");
    const all: Bar["parts"] = [
      { kind: "mine", mib: mine },
      { kind: isForeign ? "foreign" : "others", mib: taken - mine },
      { kind: "reserved", mib: isKept ? total - taken : 0 },
    ];
    return { index: gpu.index, uuid: gpu.uuid, total, parts: all.filter(({ mib }) => mib > 0) };
  });
}

/** `0–3 5 7` of sorted indices: three and more that follow each other are written as one. */
export function ranges(indices: readonly Gpu["index"][]): string {
  const groups: Gpu["index"][][] = [];
  for (const index of indices) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group && typeof index === "number" && typeof last === "number" && index === last + 1)
      group.push(index);
    else groups.push([index]);
  }
  return groups
    .map((group) => (group.length > 2 ? `${group[0]}–${group.at(-1)}` : group.join(" ")))
    .join(" ");
}

export interface Step {
  at: string;
  task: number;
  command: string;
  how: "started" | "completed" | "failed" | "cancelled" | "aborted";
  reason: string | null;
  gpus: (number | string)[];
  /** How long it took. */
  seconds: number | null;
}

/** What happened in a run, the newest first. */
export function stepsOf(run: Run, most = 5): Step[] {
  const steps: Step[] = [];
  for (const one of Object.values(run.queues).flatMap((lane) => lane.processes)) {
    if (one.task_id === null) continue;
    const { started_at, ended_at } = one;
    const known = {
      task: one.task_id,
      command: one.commands.at(-1) ?? "",
      gpus: one.gpus,
      reason: one.end_reason,
    };
    if (started_at !== null) steps.push({ ...known, at: started_at, how: "started", seconds: null });
    const how = one.task_state;
    if (ended_at === null || one.end_reason === "dependency_failed") continue;
    if (how !== "completed" && how !== "failed" && how !== "cancelled" && how !== "aborted") continue;
    const seconds = started_at === null ? null : (Date.parse(ended_at) - Date.parse(started_at)) / 1000;
    steps.push({ ...known, at: ended_at, how, seconds });
  }
  return steps.sort((a, b) => b.at.localeCompare(a.at)).slice(0, most);
}
