/** The rules of scheduling as a person reads them, in groups. */
import { CARDS } from "./cards";
import type { Group } from "./shapes";
import { TASKS } from "./tasks";

export const GROUPS: readonly Group[] = [...CARDS, ...TASKS];

const NAMED = new Set(GROUPS.flatMap((group) => group.rules.flatMap((one) => one.keys)));

/** Rules that no group names, such as those of a newer daemon: they are shown all the same. */
export function others(names: readonly string[]): string[] {
  return names.filter((name) => !NAMED.has(name));
}
