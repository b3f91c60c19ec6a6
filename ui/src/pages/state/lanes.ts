/** What a queue's lane shows. Pure. */
import type { Gpu, Queue, Row } from "../../api/types";

export interface LaneUse {
  /** GPUs that the queue may use: its own, or the pool's. */
  total: number;
  mine: number;
  others: number;
}

const HOLDING = new Set(["starting", "running", "stopping"]);

/** Indices of the cards that a queue may use. */
export function cardsOf(queue: Queue, gpus: readonly Gpu[]): (number | string)[] {
  const isUsable = (gpu: Gpu) => gpu.state !== "ignored" && gpu.state !== "lost" && !gpu.excluded;
  const own = gpus.filter((gpu) => gpu.queue === queue.name);
  if (own.length > 0) return own.map((gpu) => gpu.index);
  return queue.pool ? gpus.filter((gpu) => gpu.queue === null && isUsable(gpu)).map((gpu) => gpu.index) : [];
}

/**
 * How many of those cards the queue's tasks hold, mine and others'. Who may not see others' tasks is told how many of
 * the cards are in use, for whichever queue.
 */
export function heldBy(queue: Queue, gpus: readonly Gpu[], rows: Iterable<Row>, tenant: string): LaneUse {
  const cards = cardsOf(queue, gpus);
  const mine = new Set<number | string>();
  const others = new Set<number | string>();
  for (const row of rows) {
    if (row.queue !== queue.name || !HOLDING.has(row.state)) continue;
    for (const gpu of row.gpus) (row.tenant === tenant ? mine : others).add(gpu);
  }
  if (queue.hold) return { total: cards.length, mine: 0, others: 0 };
  for (const gpu of gpus) if (gpu.n_other_tasks > 0 && cards.includes(gpu.index)) others.add(gpu.index);
  for (const gpu of mine) others.delete(gpu);
  return { total: cards.length, mine: mine.size, others: others.size };
}

/** `0 1 3–7`, of indices. */
export function ranges(indices: readonly (number | string)[]): string {
  const parts: string[] = [];
  for (let i = 0; i < indices.length; ) {
    const from = indices[i];
    let to = i;
    while (typeof from === "number" && indices[to + 1] === from + (to + 1 - i)) to++;
    if (to - i > 1) parts.push(`${from}–${indices[to]}`);
    else parts.push(...indices.slice(i, to + 1).map(String));
    i = to + 1;
  }
  return parts.join(" ");
}

const LAST = ["waiting"];

/** `running` first, then by name, those that hold their tasks last. */
export function ordered(queues: readonly Queue[]): Queue[] {
  const rank = (queue: Queue) =>
    queue.name === "running" ? 0 : LAST.includes(queue.name) ? 3 : queue.hold ? 2 : 1;
  return [...queues].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
