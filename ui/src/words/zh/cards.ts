/** Why a card does not do for a task, by `cause` of its details. Pure. */
import { gib } from "../format";
import type { Details } from "../told";
import { inChinese } from "./faults";
import { firstFilled, objects } from "./filled";

/** Of several sentences the first of which all values are known. */
export const CARDS: Readonly<Record<string, readonly string[]>> = {
  held: ["被{who}占用"],
  more: ["不可用"],
  given: ["刚刚分配出去"],
  not_listed: ["不在该任务可用的 GPU 之列"],
  mig: ["MIG 设备只能运行单 GPU 任务"],
  small: ["显存共 {total_mib:gib}，需要 {need_mib:gib}"],
  lost: ["已丢失（{fault}）", "已丢失"],
  ignored: ["已忽略"],
  excluded: ["不在 rules.compete_gpus 之中"],
  draining: ["排空中（{fault}）", "排空中"],
  unseen: ["近期未读取到其状态"],
  claimed: ["被 {by} 声明占用"],
  foreign: ["被 {who} 占用"],
  settling: ["外部进程刚离开，需保持空闲 {settle_s:span}"],
  busy: ["利用率 {percent}%，上限 {most}%"],
  was_busy: ["最近 {settle_s:span}内利用率曾达 {percent}%，上限 {most}%"],
  memory: ["空闲显存 {free_mib:gib}，需要 {need_mib:gib}"],
  shared_full: ["已有 {n} 个任务共享，sharing.max_per_gpu 为 {most}"],
  shared_memory: ["共享的任务之外空闲显存 {free_mib:gib}，需要 {need_mib:gib}"],
  shared_busy: ["已有任务预计占用 {used}%，本任务 {own}%，合计上限 {most}%"],
};

/** Who else is on a card: users, pids and their memory. */
function strangers(details: Details): string {
  const processes = objects(details.processes);
  const shown = processes.map(({ user, pid, memory_mib }) => {
    const much = typeof memory_mib === "number" ? `，${gib(memory_mib)} GiB` : "";
    return `${user || "未知用户"}（pid ${pid}${much}）`;
  });
  const nMore = Number(details.n ?? 0) - processes.length;
  if (nMore > 0) shown.push(`另外 ${nMore} 个进程`);
  const unseen = Number(details.unattributed_mib ?? 0);
  if (unseen > 0) shown.push(`不可见的进程（${gib(unseen)} GiB，可能在容器中）`);
  return shown.join("、");
}

/** Ids of others' tasks are not told to tenants, only that there are some. */
function heldBy(details: Details): string {
  const own = Array.isArray(details.tasks) ? details.tasks : [];
  const nOthers = Number(details.n ?? own.length) - own.length;
  const others = nOthers === 1 ? "其他租户的任务" : `其他租户的 ${nOthers} 个任务`;
  const all = [...(own.length > 0 ? [`任务 ${own.join("、")} `] : []), ...(nOthers > 0 ? [others] : [])];
  return all.join("和");
}

export function card(details: Details): string | null {
  const { cause, fault } = details;
  const who = cause === "foreign" ? strangers(details) : cause === "held" ? heldBy(details) : "";
  const told = typeof fault === "string" ? inChinese(fault) : "";
  return firstFilled(CARDS[String(cause)] ?? [], { ...details, who, fault: told });
}

/** Cards that one task each holds are told together. */
function joined(found: readonly Details[]): Details[] {
  const isPlain = ({ cause, tasks, n }: Details) =>
    cause === "held" && Array.isArray(tasks) && tasks.length === n;
  const held = found.filter(isPlain);
  if (held.length < 2) return [...found];
  const tasks = [...new Set(held.flatMap((one) => one.tasks as number[]))];
  const all = { cause: "held", tasks, n: tasks.length, n_gpus: 1 };
  return [all, ...found.filter((one) => !isPlain(one))];
}

/** What keeps cards out, the same on several cards told once; empty where that is not known. */
export function causes(found: unknown): string {
  const counts = new Map<string, number>();
  let nMore = 0;
  for (const one of joined(objects(found))) {
    const n = Number(one.n_gpus ?? 1);
    const text = card(one);
    if (one.cause === "more") nMore += n;
    else if (text === null) return "";
    else counts.set(text, (counts.get(text) ?? 0) + n);
  }
  const told = [...counts].map(([text, n]) => (n === 1 ? text : `${text}（${n} 张）`));
  return [...told, ...(nMore > 0 && told.length > 0 ? [`另有 ${nMore} 张不可用`] : [])].join("；");
}
