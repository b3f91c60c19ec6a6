/** The pages: where they are, what they are called, and the key that leads there after `g`. */
import type { IconName } from "../parts/Icon";
import type { Pair } from "../words";

export interface Page {
  path: string;
  key: string;
  icon: IconName;
  words: Pair;
}

export const PAGES = [
  { path: "/gpu", key: "g", icon: "gpus", words: ["GPUs", "GPU"] },
  { path: "/state", key: "t", icon: "tasks", words: ["Tasks", "任务"] },
  { path: "/command", key: "c", icon: "commands", words: ["Commands", "命令"] },
  { path: "/rule", key: "r", icon: "rules", words: ["Rules", "规则"] },
  { path: "/usage", key: "u", icon: "usage", words: ["Usage", "用量"] },
  { path: "/setting", key: "s", icon: "settings", words: ["Settings", "设置"] },
] as const satisfies readonly Page[];

/** The pages that have a place in the bar at the lower edge of narrow screens. */
export const BELOW: readonly string[] = ["/gpu", "/state", "/command", "/usage"];
