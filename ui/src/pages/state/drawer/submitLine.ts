/** The `gavelq submit` line that asks for the same. Pure. */
import type { TaskDetails } from "../../../api/types";
import { durationText } from "../queueOptions";

/** A word for a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}

type Option = readonly [name: string, value: string | number | null | undefined];

/** Its words; null where a line cannot say it (a lease has another command). */
export function submitLine(task: TaskDetails): string | null {
  if (task.is_lease || task.command === null) return null;
  const ids = (kind: string) =>
    task.dependencies
      .filter((one) => one.kind === kind)
      .map((one) => one.task_id)
      .join(",") || null;
  const isElastic = task.max_gpus !== null;
  const { retry } = task;
  const options: readonly Option[] = [
    ["-n", task.name],
    ["-w", task.workdir],
    ["-q", task.queue],
    ["-g", task.gpu_ids.join(",") || null],
    [
      "-c",
      isElastic || (task.gpu_ids.length > 0 && task.gpu_ids.length === task.gpu_count)
        ? null
        : task.gpu_count,
    ],
    ["--min-gpus", isElastic ? task.min_gpus : null],
    ["--max-gpus", task.max_gpus],
    ["-m", task.memory_mib === null ? null : `${task.memory_mib}M`],
    ["--max-util", task.max_util],
    ["-p", task.priority || null],
    ["-t", durationText(task.time_limit_s) || null],
    ["--warn", task.warn],
    ["--retries", retry.retries || null],
    ["--backoff", retry.retries ? retry.backoff : null],
    ["--on-gpu-oom", retry.on_gpu_oom === "same" ? null : retry.on_gpu_oom],
    ["--after", ids("ok")],
    ["--after-any", ids("any")],
    ["--after-fail", ids("fail")],
    ["--mps-percent", task.mps_percent],
  ];
  const words = ["gavelq", "submit"];
  for (const [name, value] of options)
    if (value !== null && value !== undefined && value !== "") words.push(name, quoted(String(value)));
  for (const tag of task.tags) words.push("--tag", quoted(tag));
  if (task.share) words.push("--share");
  if (task.preemptible) words.push("--preemptible");
  if (task.learn_memory) words.push("--learn-memory");
  if (task.requeue) words.push("--requeue");
  return [...words, quoted(task.command)].join(" ");
}
