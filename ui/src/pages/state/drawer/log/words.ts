/** The words of a log. */
import type { Pair } from "../../../../words";

export const words = {
  log: ["Log of #{id}", "#{id} 的日志"],
  which: ["Which log", "选择日志"],
  newest: ["Newest attempt ({n})", "最近一次尝试（{n}）"],
  attempt: ["Attempt {n}", "第 {n} 次尝试"],
  bound: ["Bound: {path}", "绑定：{path}"],
  find: ["Find in the log", "在日志中查找"],
  found: ["{n} of {all}", "{n} / {all}"],
  foundNone: ["none", "无"],
  next: ["Next match", "下一个"],
  previous: ["Previous match", "上一个"],
  wrap: ["Wrap", "换行"],
  download: ["Download", "下载"],
  follow: ["Follow", "跟随"],
  newLines: ["{n} new lines", "{n} 行新日志"],
  newLine: ["1 new line", "1 行新日志"],
  toEnd: ["To the end", "到末尾"],
  earlier: ["Show what stands before", "显示更早的内容"],
  cut: [
    "Only the end of a long log is shown; lines are counted from there. Download it for all of it.",
    "日志很长，仅显示末尾，行号从此处开始。完整内容请下载。",
  ],
  dropped: [
    "The oldest lines were let go to spare memory. Download the log for all of it.",
    "为节省内存，最早的行已移除。完整内容请下载。",
  ],
  lines: ["{n} lines", "{n} 行"],
  ended: ["ended", "已结束"],
  goesOn: ["goes on", "进行中"],
  notStarted: ["It has not started; its output appears here.", "尚未启动，输出将显示在此处。"],
  neverStarted: ["It never started, so there is no log.", "从未启动，没有日志。"],
  empty: ["It has written nothing yet.", "尚无输出。"],
  emptyEnd: ["It wrote nothing.", "没有输出。"],
  problem: ["The log cannot be read: {text}", "无法读取日志：{text}"],
} as const satisfies Record<string, Pair>;
