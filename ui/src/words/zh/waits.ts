/** Why a task waits, by reason and, where a limit decides, by that. Pure. */
import { span } from "../format";
import type { Details } from "../told";
import { causes } from "./cards";
import { firstFilled, objects } from "./filled";

/** Cards that would do, and what is lacking on the others; a gate of the cards knows how many are left. */
function ofCards(label: string): readonly string[] {
  return [
    `${label}：需要 {need} 张，现有 {fitting} 张满足：{why}`,
    `${label}：需要 {need} 张，现有 {fitting} 张满足`,
    `${label}：需要 {need} 张，只剩 {left} 张`,
  ];
}

/** Of several sentences the first of which all values are known. */
export const WAITS: Readonly<Record<string, readonly string[]>> = {
  queue_paused: ["队列 {queue} 已暂停；恢复：gavelq queue resume {queue}"],
  begin_time: ["未到开始时间：{not_before:when} 之后才启动"],
  dependency: ["等待{tasks}"],
  backoff: ["上次运行失败，{retry_at:when} 重试"],
  infeasible: [
    "需要 {need} 张 GPU，{where}能满足需求的只有 {have} 张",
    "队列 {queue} 没有自己的 GPU，也不能使用公共池；分配：gavelq gpu allocate {queue}",
  ],
  "queue_limit.max_running": ["队列 {queue} 已运行 {used} 个任务，上限 max_running 为 {value}"],
  "queue_limit.max_gpus": ["队列 {queue} 已用 {used} 张 GPU，还需 {need} 张，上限 max_gpus 为 {value}"],
  "tenant_quota.max_running": ["租户 {tenant} 已运行 {used} 个任务，配额 max_running 为 {value}"],
  "tenant_quota.max_gpus": ["租户 {tenant} 已占用 {used} 张 GPU，还需 {need} 张，配额 max_gpus 为 {value}"],
  "tenant_quota.max_memory": [
    "租户 {tenant} 已占用显存 {used:gib}，还需 {need:gib}，配额 max_memory 为 {value:gib}",
  ],
  "tenant_quota.gpu_hours": [
    "租户 {tenant} 在 {window_s:span}内已用 {used} GPU 小时，配额 gpu_hours 为 {value}；{opens_at:when} 起有余量",
    "租户 {tenant} 在 {window_s:span}内已用 {used} GPU 小时，配额 gpu_hours 为 {value}",
  ],
  "tenant_quota.queues": ["租户 {tenant} 只能使用队列 {value:list}，队列 {queue} 不在其中"],
  "tenant_quota.gpus": ["租户 {tenant} 只能使用 GPU {value:list}，其中本任务可用 {left} 张，需要 {need} 张"],
  array_limit: ["提交 {submission} 已运行 {used} 个任务，最多并行 {value} 个"],
  "task_limit.limits.max_running": ["已运行 {used} 个任务，limits.max_running 为 {value}"],
  "task_limit.limits.max_cpu_tasks": ["已运行 {used} 个不用 GPU 的任务，limits.max_cpu_tasks 为 {value}"],
  serial: ["序列 {lane} 中任务 {task} 排在它前面", "序列 {lane} 中有其他任务排在它前面"],
  gpu_budget: [
    "gavelq 已用 {used} 张 GPU，最多可用 {budget} 张，本任务需要 {need} 张（rules.gpu_left、min_gpu、max_gpu）",
  ],
  gpu_unavailable: ofCards("可用的 GPU 不足"),
  gpu_busy: ofCards("GPU 利用率过高"),
  gpu_memory: ofCards("空闲显存不足"),
  gpu_count: ["正在停止任务 {victims:list}，为它腾出 GPU", ...ofCards("空闲的 GPU 不足")],
  gpu_sampling: ["GPU 已足够，先观察其中 {watched} 张再选择"],
  priority: [
    "有合适的 GPU，但已为{whose}预留，最迟 {until:when} 启动；{own}",
    "有合适的 GPU，但{whose}排在它前面，且不允许提前（{rule}）",
    "有合适的 GPU，但已为{whose}预留；{own}",
  ],
  depth: ["前面已有 {depth} 类任务在等待（scheduling.depth）"],
};

const HOW: Readonly<Record<string, string>> = { ok: "成功完成", any: "结束", fail: "失败" };
const MOST = 5;

function waitedFor(details: Details): string {
  const named = objects(details.waits_for).slice(0, MOST);
  const nMore = Number(details.n ?? named.length) - named.length;
  const text = named.map(({ task, kind }) => {
    const who = task === null || task === undefined ? "其他租户的任务" : `任务 ${task}`;
    return `${who} ${HOW[String(kind)] ?? "结束"}`;
  });
  return text.length > 0 && nMore > 0 ? `${text.join("、")}，以及另外 ${nMore} 个` : text.join("、");
}

/** What several sentences say in words of their own, beside the details. */
function more(details: Details): Details {
  const { holder, limit_s, is_strict, domain, queue } = details;
  return {
    why: causes(details.causes),
    tasks: waitedFor(details),
    whose: holder === undefined ? null : holder === null ? "其他租户的任务" : `任务 ${holder} `,
    own: typeof limit_s === "number" ? `本任务时限 ${span(limit_s, "zh")}` : "本任务没有时限",
    rule: is_strict === true ? "scheduling.backfill" : null,
    where: domain === "pool" ? "公共池中" : `队列 ${queue} 的 GPU 中`,
  };
}

export function wait(reason: string, details: Details): string | null {
  const sentences = WAITS[`${reason}.${details.limit}`] ?? WAITS[reason] ?? [];
  return firstFilled(sentences, { ...details, ...more(details) });
}
