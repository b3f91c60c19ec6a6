/** A task as it is written in a form, and as it is asked for in requests. Pure. */
import type { TaskDetails } from "../../../api/types";
import { durationText } from "../queueOptions";

export type GpuMode = "count" | "range" | "ids";

/** Everything as written; the daemon reads it. */
export interface Draft {
  lease: boolean;
  command: string;
  name: string;
  queue: string;
  workdir: string;
  gpus: GpuMode;
  gpu_count: string;
  min_gpus: string;
  max_gpus: string;
  gpu_ids: string;
  memory: string;
  share: boolean;
  max_util: string;
  time_limit: string;
  priority: string;
  env: string;
  after: string;
  after_any: string;
  not_before: string;
  retries: string;
  on_gpu_oom: string;
  array: string;
  params: string;
  max_parallel: string;
  notify: string;
  tags: string;
  hold: boolean;
  preemptible: boolean;
}

export const FRESH: Draft = {
  lease: false,
  command: "",
  name: "",
  queue: "",
  workdir: "",
  gpus: "count",
  gpu_count: "1",
  min_gpus: "1",
  max_gpus: "",
  gpu_ids: "",
  memory: "",
  share: false,
  max_util: "",
  time_limit: "",
  priority: "",
  env: "",
  after: "",
  after_any: "",
  not_before: "",
  retries: "",
  on_gpu_oom: "",
  array: "",
  params: "",
  max_parallel: "",
  notify: "",
  tags: "",
  hold: false,
  preemptible: false,
};

export type Request = Record<string, unknown>;

const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);
const number = (text: string) => (/^\d+$/.test(text.trim()) ? Number(text) : text.trim());

/** `NAME=value` lines as an object; what has no `=` is named, so that the daemon refuses it at its place. */
export function readEnv(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (!line.trim() || line.trim().startsWith("#")) continue;
    const [name = "", ...rest] = line
      .trim()
      .replace(/^export\s+/, "")
      .split("=");
    found[rest.length ? name : `${name}=`] = rest.join("=").replace(/^(["'])(.*)\1$/, "$2");
  }
  return found;
}

/** `lr=.1,.01` lines as lists of values. */
export function readParams(text: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    const [name = "", ...rest] = line.trim().split("=");
    found[name.trim()] = rest
      .join("=")
      .split(",")
      .map((value) => value.trim());
  }
  return found;
}

function gpusOf(draft: Draft): Request {
  switch (draft.gpus) {
    case "count":
      return draft.gpu_count.trim() === "" ? {} : { gpu_count: number(draft.gpu_count) };
    case "range":
      return {
        min_gpus: number(draft.min_gpus || "1"),
        ...(draft.max_gpus.trim() ? { max_gpus: number(draft.max_gpus) } : {}),
      };
    case "ids":
      return { gpu_ids: words(draft.gpu_ids) };
  }
}

function commandOf(draft: Draft): Request {
  if (draft.lease) return { lease: true };
  // A first line that names an interpreter makes it a script; everything else is the shell's.
  if (/^#!/.test(draft.command))
    return { script: { name: "script", content: `${draft.command.replace(/\r\n/g, "\n").trimEnd()}\n` } };
  return { command: draft.command.trim() };
}

const PLAIN = ["name", "queue", "workdir", "memory", "time_limit", "not_before", "on_gpu_oom"] as const;
const NUMBERS = ["priority", "max_util", "retries"] as const;
const LISTS = ["after", "after_any", "notify", "tags"] as const;
const FLAGS = ["share", "hold", "preemptible"] as const;

/** One task request: what is empty is left out, so that the daemon's defaults hold. */
export function requestOf(draft: Draft): Request {
  const request: Request = { ...commandOf(draft), ...gpusOf(draft) };
  for (const name of PLAIN) if (draft[name].trim()) request[name] = draft[name].trim();
  for (const name of NUMBERS) if (draft[name].trim()) request[name] = number(draft[name]);
  for (const name of LISTS) {
    const list = words(draft[name]).map((word) =>
      name === "tags" || name === "notify" ? word : number(word),
    );
    if (list.length) request[name] = list;
  }
  for (const name of FLAGS) if (draft[name]) request[name] = true;
  const env = readEnv(draft.env);
  if (Object.keys(env).length) request.env = env;
  return request;
}

/** What makes several tasks of one request; null: it stays one. */
export function sweepOf(draft: Draft): Request | null {
  const sweep: Request = {};
  if (draft.array.trim()) sweep.array = draft.array.trim();
  const params = readParams(draft.params);
  if (Object.keys(params).length) sweep.params = params;
  if (Object.keys(sweep).length === 0) return null;
  if (draft.max_parallel.trim()) sweep.max_parallel = number(draft.max_parallel);
  return sweep;
}

function indices(array: string): number {
  let n = 0;
  for (const part of array.replace(/%\d+$/, "").split(",")) {
    const found = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part.trim());
    if (found === null) return 0;
    const [low, high, step] = [Number(found[1]), Number(found[2] ?? found[1]), Number(found[3] ?? 1)];
    n += Math.max(0, Math.floor((high - low) / Math.max(1, step)) + 1);
  }
  return n;
}

/** How many tasks a sweep makes; 0 where it cannot be told. */
export function countOf(draft: Draft): number {
  let n = draft.array.trim() ? indices(draft.array.trim()) : 1;
  for (const values of Object.values(readParams(draft.params))) n *= values.length;
  return n;
}

/** A task's request as a form shows it. Its environment is never told, so that only what is added stands there. */
export function draftOf(task: TaskDetails): Draft {
  const text = (value: number | string | null) => (value === null ? "" : String(value));
  const ids = (kind: string) =>
    task.dependencies
      .filter((one) => one.kind === kind)
      .map((one) => String(one.task_id))
      .join(", ");
  return {
    ...FRESH,
    lease: task.is_lease,
    command: task.command ?? "",
    name: task.name,
    queue: task.queue,
    workdir: task.workdir,
    gpus: task.gpu_ids.length ? "ids" : task.max_gpus !== null ? "range" : "count",
    gpu_count: String(task.gpu_count),
    min_gpus: text(task.min_gpus ?? 1),
    max_gpus: text(task.max_gpus),
    gpu_ids: task.gpu_ids.join(", "),
    memory: task.memory_mib === null ? "" : String(Math.round((task.memory_mib / 1024) * 1000) / 1000),
    share: task.share,
    max_util: text(task.max_util),
    time_limit: durationText(task.time_limit_s),
    priority: String(task.priority),
    after: ids("ok"),
    after_any: ids("any"),
    not_before: task.not_before ?? "",
    retries: text(task.retry.retries),
    on_gpu_oom: task.retry.on_gpu_oom ?? "",
    tags: task.tags.join(", "),
    preemptible: task.preemptible,
  };
}

/** Which of a request's fields each part of the form writes. */
const WRITTEN: Partial<Record<keyof Draft, readonly string[]>> = {
  lease: [],
  gpus: ["gpu_count", "min_gpus", "max_gpus", "gpu_ids"],
  gpu_count: ["gpu_count", "min_gpus", "max_gpus", "gpu_ids"],
  min_gpus: ["gpu_count", "min_gpus", "max_gpus", "gpu_ids"],
  max_gpus: ["gpu_count", "min_gpus", "max_gpus", "gpu_ids"],
  gpu_ids: ["gpu_count", "min_gpus", "max_gpus", "gpu_ids"],
  command: ["command", "script"],
  array: [],
  params: [],
  max_parallel: [],
};

/** What is different, as a request for a change takes it: null takes a field back to its default. */
export function changesOf(before: Draft, after: Draft): Request {
  const [old, fresh] = [requestOf(before), requestOf(after)];
  const changes: Request = {};
  for (const part of Object.keys(after) as (keyof Draft)[]) {
    if (before[part] === after[part]) continue;
    for (const name of WRITTEN[part] ?? [part]) {
      if (name in fresh) changes[name] = fresh[name];
      else if (name in old) changes[name] = null;
    }
  }
  // Another number of GPUs, or other cards, take the old wish's place by themselves.
  if ("gpu_count" in changes && changes.gpu_count !== null) {
    delete changes.min_gpus;
    delete changes.max_gpus;
  }
  return changes;
}
