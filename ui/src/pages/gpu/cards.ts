/** What a card's memory is used for, and by whom: pure. */
import type { Gpu, GpuProcess, Row } from "../../api/types";
import type { Shares } from "../../parts/MemoryBar";
import type { ShownGpuState } from "../../words/states";
import type { CardPlan } from "./plan";

export type Tasks = ReadonlyMap<number, Row>;

/** `NVIDIA RTX A6000` is `RTX A6000` on a card. */
export function shortModel(name: string): string {
  return name.replace(/^NVIDIA (GeForce )?/, "").replace(/ (Generation|PCIe|SXM\d?)$/, "");
}

/** Processes that are nobody's task: those that are minded, and those that a person shares the card with. */
export function strangersOn(gpu: Gpu): GpuProcess[] {
  return gpu.processes
    .filter((one) => one.task_id === null && (!one.is_ignored || gpu.accepted_pids.includes(one.pid)))
    .sort((a, b) => (b.memory_mib ?? 0) - (a.memory_mib ?? 0));
}

/** The memory in use that belongs to nobody's task: foreign processes, and what no visible process accounts for. */
export function foreignMib(gpu: Gpu): number {
  const strangers = strangersOn(gpu);
  return strangers.reduce((sum, process) => sum + (process.memory_mib ?? 0), gpu.unattributed_mib);
}

/** How the memory is divided. What processes do not tell goes to the tasks that are there, and without any to others. */
export function sharesOf(gpu: Gpu, tasks: Tasks, me: string, plan: CardPlan | undefined): Shares {
  const total = gpu.memory_total_mib;
  const used = gpu.memory_used_mib ?? 0;
  const isMine = (id: number) => tasks.get(id)?.tenant === me;
  const foreign = Math.min(used, gpu.state === "foreign" && gpu.tasks.length === 0 ? used : foreignMib(gpu));
  const own = gpu.processes.filter(({ task_id }) => task_id !== null && isMine(task_id));
  const nMine = gpu.tasks.filter(isMine).length;
  const isAllMine = nMine > 0 && nMine === gpu.tasks.length && gpu.n_other_tasks === 0;
  const told = own.reduce((sum, process) => sum + (process.memory_mib ?? 0), 0);
  const mine = isAllMine ? used - foreign : Math.min(used - foreign, told);
  const others = used - foreign - mine;
  return { mine, others, foreign, reserved: reservedMib(gpu, tasks, plan, total - used), total };
}

function reservedMib(gpu: Gpu, tasks: Tasks, plan: CardPlan | undefined, free: number): number {
  const kept = gpu.state === "free" ? plan?.spans.find(({ kind }) => kind === "reserved") : undefined;
  if (kept === undefined) return 0;
  const declared = kept.task_id === null ? null : (tasks.get(kept.task_id)?.memory_mib ?? null);
  return Math.min(free, declared ?? free);
}

/** A free card that is promised says so. */
export function shownState(gpu: Gpu, plan: CardPlan | undefined): ShownGpuState {
  return gpu.state === "free" && plan?.spans.some(({ kind }) => kind === "reserved") ? "reserved" : gpu.state;
}

/** Whose line a card's drawings are in: mine, others', foreign, nobody's. */
export function ownership(shares: Shares): "mine" | "others" | "foreign" | "none" {
  if (shares.foreign > shares.mine + shares.others) return "foreign";
  if (shares.mine > 0) return "mine";
  return shares.others > 0 ? "others" : "none";
}

/** The name by which a card is asked for in paths. */
export function cardPath(gpu: Gpu): string {
  return `/gpu/${encodeURIComponent(String(gpu.index))}`;
}

/** The program of a command line, without its directory. */
export function program(command: string): string {
  const words = command.split(" ");
  const name = (words[0] ?? "").split("/").at(-1) ?? "";
  return name.length > 24 ? `${name.slice(0, 23)}…` : name;
}
