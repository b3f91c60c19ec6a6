/** The words and roles of states: every state is glyph + word + colour. */
import type { GpuState, TaskState } from "../api/types";
import type { Pair } from "./index";

/** A colour role of the tokens. */
export type Role = "ok" | "wait" | "bad" | "sys" | "move" | "idle" | "foreign" | "accent";

/** A GPU's state as it is shown: a free card that is promised to somebody says so. */
export type ShownGpuState = GpuState | "reserved";

export const TASK_STATES: Record<TaskState, { words: Pair; role: Role; char: string }> = {
  held: { words: ["Held", "挂起"], role: "idle", char: "‖" },
  pending: { words: ["Pending", "等待"], role: "wait", char: "○" },
  starting: { words: ["Starting", "启动中"], role: "move", char: "▷" },
  running: { words: ["Running", "运行中"], role: "ok", char: "◔" },
  stopping: { words: ["Stopping", "停止中"], role: "move", char: "◎" },
  completed: { words: ["Completed", "完成"], role: "idle", char: "✓" },
  failed: { words: ["Failed", "失败"], role: "bad", char: "✗" },
  cancelled: { words: ["Cancelled", "已取消"], role: "idle", char: "⊘" },
  aborted: { words: ["Aborted", "已中止"], role: "sys", char: "◆" },
};

export const GPU_STATES: Record<ShownGpuState, { words: Pair; role: Role }> = {
  free: { words: ["Free", "空闲"], role: "ok" },
  reserved: { words: ["Free, reserved", "空闲（已预留）"], role: "ok" },
  busy: { words: ["Busy", "占用"], role: "accent" },
  shared: { words: ["Shared", "共享"], role: "accent" },
  foreign: { words: ["Foreign", "外部占用"], role: "foreign" },
  draining: { words: ["Draining", "排空中"], role: "move" },
  ignored: { words: ["Ignored", "已忽略"], role: "idle" },
  lost: { words: ["Lost", "丢失"], role: "bad" },
};

export const ENDED: readonly TaskState[] = ["completed", "failed", "cancelled", "aborted"];
export const LIVE: readonly TaskState[] = ["running", "starting", "stopping", "pending", "held"];

export function isEnded(state: TaskState): boolean {
  return ENDED.includes(state);
}
