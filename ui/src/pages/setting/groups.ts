/** Which settings stand together; those of scheduling stand on the page of rules. */
import type { Setting } from "../../api/types";
import type { Pair } from "../../words";
import type { words } from "./words";

export interface Group {
  id: string;
  title: Pair;
  /** Beginnings of names. */
  of: readonly string[];
}

export const GROUPS: readonly Group[] = [
  { id: "daemon", title: ["Daemon", "守护进程"], of: ["daemon.", "submit.", "limits.", "lease.", "runner."] },
  { id: "network", title: ["Network and tokens", "网络与令牌"], of: ["http.", "socket."] },
  { id: "gpus", title: ["GPUs", "GPU"], of: ["gpu.", "isolation."] },
  { id: "tenants", title: ["Other users", "其他用户"], of: ["tenants."] },
  { id: "notify", title: ["Who is told", "通知对象"], of: ["notify."] },
  { id: "thresholds", title: ["What raises alerts", "告警条件"], of: ["alerts."] },
  { id: "logs", title: ["Logs", "日志"], of: ["log.", "logs."] },
  { id: "history", title: ["History", "历史记录"], of: ["history.", "retention."] },
];

export const OTHERS: Group = { id: "others", title: ["Others", "其他"], of: [] };

/** The group of a setting. */
export function groupOf(name: string): Group {
  return GROUPS.find((group) => group.of.some((start) => name.startsWith(start))) ?? OTHERS;
}

/** Whether a setting is what somebody looks for: every word is in its name or in what it does. */
export function isFound(row: Setting, help: string, asked: string): boolean {
  const text = `${row.name} ${row.help} ${help}`.toLowerCase();
  return asked
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Whether other machines reach a listening address such as `0.0.0.0:8080`. */
export function isRemote(address: unknown): boolean {
  if (typeof address !== "string") return false;
  return !/^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):/.test(address);
}

/** The other parts of the page, as the menu names them. */
export const PARTS: readonly (readonly [id: string, word: keyof typeof words, isForAll: boolean])[] = [
  ["doctor", "doctor", false],
  ["notifications", "notifications", false],
  ["alerts", "alerts", true],
  ["versions", "versions", true],
  ["browser", "browser", true],
  ["audit", "audit", false],
];
