/** What blocks work: foreign processes that tasks wait for, broken cards, a daemon that cannot write. Pure. */
import type { Daemon, Gpu, GpuProcess, Row } from "../../api/types";

/** Who holds a card that tasks wait for; `process` null: memory without a visible process, or another daemon. */
export interface ForeignBlocker {
  kind: "foreign";
  gpu: Gpu;
  process: GpuProcess | null;
  /** Further foreign processes on the card. */
  nMore: number;
  mib: number;
  since: string | null;
  /** Tasks that are known to wait for it; the card's `blocks` counts all. */
  waiting: number[];
}

export interface BrokenBlocker {
  kind: "broken";
  gpu: Gpu;
}

export interface DaemonBlocker {
  kind: "read_only" | "warning";
  text: string;
}

export type Blocker = ForeignBlocker | BrokenBlocker | DaemonBlocker;

/** Those that wait, by what their reason names: the process, or the card's owner. */
function waitingFor(process: GpuProcess | null, pending: readonly Row[]): number[] {
  if (process === null) return [];
  const name = new RegExp(`\\bpid ${process.pid}\\b`);
  return pending.filter((task) => name.test(task.pending_detail ?? "")).map((task) => task.id);
}

function ofCard(gpu: Gpu, pending: readonly Row[]): Blocker[] {
  if (gpu.fault !== null || gpu.state === "lost") return [{ kind: "broken", gpu }];
  if (gpu.blocks === 0) return [];
  const strangers = gpu.processes
    .filter((process) => process.task_id === null && !process.is_ignored)
    .sort((a, b) => (b.memory_mib ?? 0) - (a.memory_mib ?? 0));
  const [process = null, ...more] = strangers;
  if (process !== null) {
    const waiting = [...new Set(strangers.flatMap((one) => waitingFor(one, pending)))];
    const { memory_mib, since } = process;
    return [{ kind: "foreign", gpu, process, nMore: more.length, mib: memory_mib ?? 0, since, waiting }];
  }
  const since = gpu.claimed_by === null ? gpu.unattributed_since : gpu.claimed_since;
  // A card that is calm again in a moment blocks nobody.
  if (gpu.claimed_by === null && gpu.unattributed_mib === 0) return [];
  return [{ kind: "foreign", gpu, process: null, nMore: 0, mib: gpu.unattributed_mib, since, waiting: [] }];
}

/** All of them, the daemon's own troubles first. */
export function blockersOf(daemon: Daemon | null, gpus: readonly Gpu[], pending: readonly Row[]): Blocker[] {
  const own: Blocker[] = daemon?.read_only ? [{ kind: "read_only", text: "" }] : [];
  const warned = (daemon?.warnings ?? []).map((text): Blocker => ({ kind: "warning", text }));
  return [...own, ...warned, ...gpus.flatMap((gpu) => ofCard(gpu, pending))];
}
