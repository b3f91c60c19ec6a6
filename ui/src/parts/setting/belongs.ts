/** Which settings are rules of scheduling: they have a page of their own, all others are on the page of settings. */

const SECTIONS = ["rules", "scheduling", "foreign", "sampling", "sharing", "preemption", "retry"];
const SINGLE = [
  "selection",
  "settle_s",
  "gpu.order",
  "gpu.topology",
  "limits.max_running",
  "limits.max_cpu_tasks",
];

export function isRule(name: string): boolean {
  return SINGLE.includes(name) || SECTIONS.includes(name.split(".")[0] ?? "");
}
