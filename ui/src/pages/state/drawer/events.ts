/** The words of a task's history. */
import type { Pair } from "../../../words";

export const EVENTS: Readonly<Record<string, Pair>> = {
  submitted: ["Submitted", "提交"],
  placed: ["Got its GPUs", "分配 GPU"],
  started: ["Started", "启动"],
  ended: ["Ended", "结束"],
  stopping: ["Is being stopped", "正在停止"],
  retrying: ["Will be tried again", "将重试"],
  requeued: ["Put back as pending", "放回等待"],
  spawn_failed: ["Could not be started", "无法启动"],
  held: ["Put on hold", "挂起"],
  released: ["Released", "放行"],
  moved: ["Moved to another queue", "移到其他队列"],
  prioritized: ["Priority changed", "优先级更改"],
  edited: ["Request changed", "需求修改"],
  signalled: ["Signal sent", "发送信号"],
  dependency_met: ["A task it waited for has ended", "依赖已满足"],
  lane_advanced: ["Its turn in its lane", "轮到其在序列中运行"],
  lane_changed: ["Another place in its lane", "序列中的位置更改"],
  renewed: ["Renewed", "续租"],
  notified: ["Notice delivered", "通知已送达"],
  not_notified: ["Notice could not be delivered", "通知未能送达"],
  idle: ["Its GPUs lie idle", "GPU 空闲"],
  busy_again: ["Its GPUs work again", "GPU 恢复工作"],
};

const MOST = 400;

function told(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.map(told).join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** `reason exit_nonzero, exit_code 3`. */
export function detailsText(details: Readonly<Record<string, unknown>>): string {
  const text = Object.entries(details)
    .filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name.replace(/_/g, " ")} ${told(value)}`)
    .join(", ");
  return text.length > MOST ? `${text.slice(0, MOST)} …` : text;
}
