/** What stands in the way of a waiting task, as rows. Pure: the daemon's gates in a person's order. */
import type { Explanation, Gpu, Queue, Row, Tenant } from "../../../api/types";
import { gib } from "../../../words/format";

export type Verdict = "open" | "closed" | "later";

type Gate = Explanation["gates"][number];
type Card = Explanation["cards"][number];

export interface GateRow {
  /** A gate's name, or `gpus` for those of cards together. */
  key: string;
  verdict: Verdict;
  /** The gate that is closed, with the daemon's own sentence; null: what is known here tells it. */
  gate: Gate | null;
}

/** Opens with time or when others end; whatever is not here needs somebody to do something. */
const PASSES_BY_ITSELF: ReadonlySet<string> = new Set([
  "begin_time",
  "dependency",
  "backoff",
  "queue_limit",
  "tenant_quota",
  "array_limit",
  "task_limit",
  "serial",
  "gpu_budget",
  "gpu_sampling",
  "priority",
  "depth",
]);
const OF_CARDS: readonly string[] = ["gpu_unavailable", "gpu_busy", "gpu_memory", "gpu_count"];
/** Rows that are there also when they are open. */
const ALWAYS: readonly string[] = ["dependency", "queue", "tenant_quota"];

/** Dependencies, queue and tenant always; others where they are closed; the cards together at the end. */
export function gateRows(why: Explanation): GateRow[] {
  const closed = new Map(why.gates.filter((gate) => !gate.passed).map((gate) => [gate.gate, gate]));
  const row = (key: string, names: readonly string[]): GateRow => {
    const gate = names.map((name) => closed.get(name)).find((found) => found !== undefined);
    const verdict = gate === undefined ? "open" : PASSES_BY_ITSELF.has(gate.gate) ? "later" : "closed";
    return { key, verdict, gate: gate?.text ? gate : null };
  };
  const rows = [
    row("dependency", ["dependency"]),
    row("queue", ["queue_paused", "queue_limit"]),
    row("tenant_quota", ["tenant_quota"]),
  ];
  for (const name of closed.keys()) {
    if (ALWAYS.includes(name) || name.startsWith("queue_") || OF_CARDS.includes(name)) continue;
    rows.push(row(name, [name]));
  }
  if (why.cards.length > 0 || OF_CARDS.some((name) => closed.has(name))) {
    const isClosed = OF_CARDS.some((name) => closed.has(name));
    rows.push({ key: "gpus", verdict: isClosed ? "closed" : "open", gate: null });
  }
  return rows;
}

export interface CardRow {
  gpu: Gpu;
  verdict: Verdict;
  /** What a person is told; `daemon` has the daemon's own words. */
  said:
    | { kind: "fits"; free: string; isKept: boolean }
    | { kind: "held"; tasks: readonly Row[]; until: number | null }
    | { kind: "owned"; queue: string }
    /** Not among those that its queue owns; null: not among those that it may use. */
    | { kind: "outside"; queue: string | null }
    | { kind: "daemon"; text: string };
}

/** When all that is there has to end at the latest, in milliseconds; null: something has no limit. */
function endOf(tasks: readonly Row[]): number | null {
  let last = 0;
  for (const task of tasks) {
    if (task.started_at === null || task.time_limit_s === null) return null;
    last = Math.max(last, Date.parse(task.started_at) + task.time_limit_s * 1000);
  }
  return last || null;
}

/** Who else is there, where the daemon's words do not name them. */
function withStrangers(text: string, gpu: Gpu): string {
  const known = gpu.processes.filter(({ task_id, is_ignored }) => task_id === null && !is_ignored);
  const unnamed = known.filter(({ pid }) => !text.includes(String(pid)));
  return [text, ...unnamed.slice(0, 2).map(({ user, pid }) => `${user ? `${user}, ` : ""}pid ${pid}`)].join(
    "; ",
  );
}

/** Why nothing new may start on a card that is out of use, in the word of the daemon's details. */
function causeOf(gpu: Gpu): string {
  if (gpu.state === "lost" || gpu.state === "draining") return gpu.state;
  return gpu.excluded ? "excluded" : gpu.state === "ignored" ? "ignored" : "unseen";
}

/** All cards in their order: those that the task may use, and those that are another queue's. `tell`: why one does not do. */
export function cardRows(
  why: Explanation,
  gpus: readonly Gpu[],
  tasks: ReadonlyMap<number, Row>,
  promised: readonly (string | number)[],
  queue: string,
  tell: (card: Pick<Card, "text" | "details">) => string = (card) => card.text,
): CardRow[] {
  const hasOwn = gpus.some((gpu) => gpu.queue === queue);
  const cards = new Map(why.cards.map((card) => [String(card.index), card]));
  return gpus.map((gpu): CardRow => {
    const card = cards.get(String(gpu.index));
    const isPromised = promised.some((index) => String(index) === String(gpu.index));
    if (card === undefined) {
      if (gpu.unavailable) {
        const details = { cause: causeOf(gpu), fault: gpu.fault };
        return {
          gpu,
          verdict: "closed",
          said: { kind: "daemon", text: tell({ text: gpu.unavailable, details }) },
        };
      }
      if (gpu.queue !== null && gpu.queue !== queue)
        return { gpu, verdict: "closed", said: { kind: "owned", queue: gpu.queue } };
      return { gpu, verdict: "closed", said: { kind: "outside", queue: hasOwn ? queue : null } };
    }
    if (card.fits)
      return {
        gpu,
        verdict: "open",
        said: { kind: "fits", free: gib(gpu.memory_free_mib), isKept: isPromised },
      };
    const verdict = isPromised ? "later" : "closed";
    const there = gpu.tasks.flatMap((id) => tasks.get(id) ?? []);
    if (card.reason === "gpu_count" && there.length > 0 && gpu.n_other_tasks === 0)
      return { gpu, verdict, said: { kind: "held", tasks: there, until: endOf(there) } };
    return { gpu, verdict, said: { kind: "daemon", text: withStrangers(tell(card), gpu) } };
  });
}

/** `open, 4 running, no limit` in parts: what a queue allows. */
export function queueFacts(queue: Queue | undefined) {
  return queue === undefined
    ? null
    : {
        isPaused: queue.paused,
        nRunning: queue.n_running,
        most: queue.max_running,
        mostGpus: queue.max_gpus,
      };
}

/** What a tenant uses of its quota: `3 of 6 GPUs`. */
export function quotaFacts(tenant: Tenant | null) {
  if (tenant === null) return null;
  const { quota, use } = tenant;
  return {
    gpus: use.gpus,
    mostGpus: quota.max_gpus,
    running: use.running,
    mostRunning: quota.max_running,
  };
}

/** Foreign processes on cards that would help if they went. */
export function strangersOn(why: Explanation, gpus: readonly Gpu[]): Gpu[] {
  const kept = new Set(
    why.cards.filter((card) => !card.fits && card.reason !== "gpu_count").map((card) => String(card.index)),
  );
  return gpus.filter(
    (gpu) =>
      kept.has(String(gpu.index)) &&
      gpu.processes.some((process) => process.task_id === null && !process.is_ignored) &&
      !gpu.excluded &&
      gpu.state !== "ignored",
  );
}
