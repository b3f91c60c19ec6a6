/** Words for the codes of reasons: why a task waits, and why it ended. The daemon's own texts say more. */
import type { Language, Pair } from "./index";

export const PENDING_REASONS: Readonly<Record<string, Pair>> = {
  queue_paused: ["Its queue is paused", "队列已暂停"],
  begin_time: ["Its start time lies ahead", "未到开始时间"],
  dependency: ["Waits for another task", "等待依赖的任务"],
  backoff: ["Pause before its next try", "重试前的等待"],
  infeasible: ["No card could ever serve it", "没有满足需求的 GPU"],
  queue_limit: ["Its queue's limit is reached", "已达队列上限"],
  tenant_quota: ["Its tenant's quota is used up", "已达租户配额"],
  array_limit: ["Its submission's limit is reached", "已达提交的并行上限"],
  task_limit: ["The limit of tasks is reached", "已达任务数上限"],
  serial: ["A task of its lane comes first", "等待前一个任务"],
  gpu_budget: ["gavelq may use no more GPUs", "已达 GPU 预算"],
  gpu_unavailable: ["Too few GPUs can be used", "可用的 GPU 不足"],
  gpu_busy: ["GPUs are too busy", "GPU 利用率过高"],
  gpu_memory: ["Too little free GPU memory", "空闲显存不足"],
  gpu_count: ["Too few free GPUs", "空闲的 GPU 不足"],
  gpu_sampling: ["Watches GPUs before it chooses", "正在观察 GPU"],
  priority: ["Free GPUs are kept for another task", "GPU 已预留给其他任务"],
  depth: ["Too many wait ahead of it", "前面等待的任务过多"],
};

export const END_REASONS: Readonly<Record<string, Pair>> = {
  exit_zero: ["Ended with exit code 0", "退出码 0"],
  exit_nonzero: ["Ended with an error", "以错误结束"],
  signalled: ["Ended by a signal", "被信号结束"],
  time_limit: ["Time limit reached", "达到时限"],
  out_of_memory_gpu: ["GPU out of memory", "GPU 显存不足"],
  out_of_memory_host: ["Out of memory", "内存不足"],
  nccl_error: ["NCCL error", "NCCL 错误"],
  code_error: ["Error in the code", "代码错误"],
  gpu_lost: ["Its GPU was lost", "GPU 丢失"],
  spawn_failed: ["Could not be started", "无法启动"],
  cancelled_by_user: ["Cancelled by its owner", "由所有者取消"],
  cancelled_by_admin: ["Cancelled by an admin", "由管理员取消"],
  gpu_released: ["Its GPU was released", "GPU 被收回"],
  gpu_drained: ["Its GPU was drained", "GPU 被排空"],
  daemon_stopped: ["The daemon was stopped", "守护进程已停止"],
  dependency_failed: ["A task it waited for failed", "依赖的任务失败"],
  preempted: ["Made way for another task", "被抢占"],
  released: ["Given back", "已归还"],
  lease_expired: ["Lease expired", "租约到期"],
  violation: ["Used what it does not hold", "越界使用 GPU"],
  idle: ["Let its GPUs lie idle", "GPU 长时间空闲"],
  lost: ["Its process was lost", "进程丢失"],
};

/** Why a queue of a run waits: the daemon's own text, in Chinese the word for its code. */
export function whyWaiting(
  {
    pending_reason: reason,
    pending_detail: detail,
  }: { pending_reason: string | null; pending_detail: string | null },
  language: Language,
): string {
  const pair = language === "zh" ? PENDING_REASONS[reason ?? ""] : undefined;
  return pair?.[1] ?? detail ?? "";
}
