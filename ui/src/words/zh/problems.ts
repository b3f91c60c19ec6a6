/** Why the daemon refused, by code. Pure. */
import { TASK_STATES } from "../states";
import type { Details } from "../told";
import { filled, firstFilled, objects } from "./filled";
import { text } from "./texts";

/** Sentences, of which the first counts whose values are all known, and the hint; null: the daemon's own, if known. */
type Known = readonly [sentences: readonly string[], hint: string | null];

export const PROBLEMS: Readonly<Record<string, Known>> = {
  unreachable: [["守护进程无响应"], "是否在运行？gavelq daemon status"],
  daemon_unreachable: [["守护进程未运行"], "启动：gavelq daemon init"],
  unauthenticated: [["需要登录"], "请重新登录，或使用令牌"],
  wrong_login: [
    ["令牌或用户名、密码不正确"],
    "管理员设置密码后才能用密码登录：gavelq tenant set NAME --password",
  ],
  token_expired: [
    ["令牌已于 {at:when} 过期", "令牌已过期"],
    "请向管理员申请新令牌：gavelq token create --tenant TENANT",
  ],
  link_over: [["该链接已使用过，或已超过一分钟"], "获取新链接：gavelq ui"],
  rate_limited: [["操作过于频繁，请在 {retry_after_s} 秒后再试", "操作过于频繁"], ""],
  not_allowed: [["没有权限执行此操作"], null],
  task_not_found: [["任务 {task_id} 不存在"], "列出所有任务：gavelq task list --all"],
  submission_not_found: [["提交 {submission_id} 不存在"], ""],
  queue_not_found: [
    ["队列 {queue} 不存在"],
    "列出队列：gavelq queue list；创建：gavelq queue create {queue}",
  ],
  gpu_not_found: [["GPU {gpu} 不存在"], "列出 GPU：gavelq gpu list"],
  tenant_not_found: [["租户 {tenant} 不存在"], "列出租户：gavelq tenant list"],
  token_not_found: [["令牌 {token} 不存在"], "列出令牌：gavelq token list"],
  configuration_not_found: [["模式 {mode} 中没有配置 {wanted}"], "列出配置：gavelq file list"],
  binding_not_found: [
    ["队列 {queue_id} 的任务 {process_index} 未绑定日志文件"],
    "列出绑定：gavelq file bindings",
  ],
  run_not_found: [["运行 {run} 不存在"], "查看运行：gavelq file state"],
  mode_not_found: [["模式 {mode} 不存在"], "命令文件的模式为 single 和 multi"],
  mute_not_found: [["该静音规则不存在"], "列出静音规则：gavelq alert list --mutes"],
  log_not_found: [["任务 {task_id} 还没有日志"], "任务启动时才会生成日志"],
  not_found: [["不存在"], ""],
  wrong_state: [["{what}（{state}）：{problem}", "{what}：{problem}"], null],
  name_retired: [["该名称曾被使用，不能再次使用"], "请另选名称"],
  infeasible: [
    ["本机永远无法启动此任务：{problem}"],
    "请减少需求；或用 --allow-infeasible 让它等待合适的机器",
  ],
  refused: [["已拒绝：{problem}"], null],
  limit_reached: [["已达上限：{limit}"], null],
  key_reused: [["该幂等键已用于另一个请求"], "每个新请求请使用新的键"],
  changed_meanwhile: [["内容已被 {by} 修改", "内容已被他人修改"], "请重新读取后再修改"],
  overtaken: [["任务 {task_id} 同时被他人修改"], "请重试"],
  invalid_field: [["{field}：{problem}"], null],
  invalid_tasks: [["任务描述有误"], "未提交任何任务；请更正后重新提交"],
  too_large: [["请求超过 {limit} 字节"], "请分多次提交"],
  timed_out: [["{timeout_s} 秒内没有响应"], ""],
  partly_done: [["共 {n_total} 个，完成 {n_done} 个，失败 {n_failed} 个"], ""],
  store_unavailable: [
    ["状态无法写入，未作任何更改"],
    "请在状态目录所在磁盘上腾出空间；运行中的任务不受影响，守护进程会自动重试",
  ],
  runner_unavailable: [["无法连接运行器进程"], ""],
  cannot_notify: [["未能通知 {channel}"], ""],
  not_a_file: [["{path} 不是普通文件"], "只能读取普通文件作为日志"],
  log_unreadable: [["{path} 无法读取"], "守护进程的用户需要该文件及其目录的读取权限"],
  outside_log_roots: [
    ["不允许读取 {path}：不在 logs.roots 之内"],
    "请把日志放到这些目录下，或修改设置 logs.roots",
  ],
  simulation_running: [["已有一个模拟正在进行"], "请等待其结束后再试"],
};

const LIMITS: Readonly<Record<string, string>> = {
  "the number of configurations": "配置数量",
  "the number of bindings": "绑定数量",
  "the number of tenants": "租户数量",
  "the number of tokens": "令牌数量",
  "the number of mutes": "静音规则数量",
  "the number of dependencies": "依赖数量",
  "the number of tasks": "任务数量",
  "the size of a simulation": "模拟规模",
};
const THINGS: Readonly<Record<string, string>> = {
  task: "任务",
  queue: "队列",
  submission: "提交",
  run: "运行",
  tenant: "租户",
  lease: "租约",
  GPU: "GPU",
};

/** `task 3` and `completed` in Chinese; null, each of those that are something else. */
function subject(details: Details): Details {
  const [, kind = "", name] = /^(\w+) (\S+)$/.exec(String(details.what)) ?? [];
  const thing = THINGS[kind];
  const state = TASK_STATES[details.state as keyof typeof TASK_STATES];
  return { what: thing === undefined ? null : `${thing} ${name}`, state: state?.words[1] ?? null };
}

/** Details with the daemon's phrases in them in Chinese; null, each of those that are not known. */
function translated(details: Details): Details {
  const { problem, limit } = details;
  return {
    ...details,
    ...subject(details),
    problem: typeof problem === "string" ? text(problem) : null,
    limit: typeof limit === "string" ? (LIMITS[limit] ?? limit) : limit,
  };
}

/** Codes that say too little by themselves, by the daemon's message. */
const MESSAGES: Readonly<Record<string, string>> = {
  "this token is not known": "令牌无效",
  "this token or session is not what it was": "令牌或会话已失效",
};

/** Several mistakes at once, such as those of a task's fields; null: there are none. */
function mistakes(details: Details): string | null {
  const told = objects(details.mistakes).map(({ field, problem }) => {
    const words = String(problem ?? "");
    return `${field ? `${field}：` : ""}${text(words) ?? words}`;
  });
  return told.length > 0 ? told.join("；") : null;
}

export function problem(code: string, details: Details, message: string, hint: string | null): string | null {
  const [sentences, advice] = PROBLEMS[code] ?? [[], ""];
  const put = translated(details);
  const told = MESSAGES[message] ?? mistakes(details) ?? firstFilled(sentences, put);
  if (told === null) return null;
  const more = advice === null ? hint && (text(hint) ?? hint) : filled(advice, put);
  return more ? `${told}（${more}）` : told;
}
