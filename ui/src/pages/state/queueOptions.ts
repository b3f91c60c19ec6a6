/** A queue's options as they are written in requests. Pure. */
import type { Queue } from "../../api/types";

export type Options = Record<string, string | number | boolean | null>;

const seconds = (value: number | null) => (value === null ? "none" : `${value}s`);

/** Everything that makes a queue what it is, but for its GPUs. */
export function optionsOf(queue: Queue): Options {
  return {
    hold: queue.hold,
    paused: queue.paused,
    pool: queue.pool,
    lend: queue.lend,
    priority: queue.priority,
    max_running: queue.max_running,
    max_gpus: queue.max_gpus,
    max_util: queue.max_util,
    mem_type: queue.mem_type,
    mem_value: queue.mem_value,
    time_limit: seconds(queue.time_limit_s),
    max_time_limit: seconds(queue.max_time_limit_s),
    idle_after: seconds(queue.idle_after_s),
    idle_action: queue.idle_action,
    retries: queue.retry.retries,
    backoff: queue.retry.backoff,
  };
}

/** Options that are not as they were. Where `mem_value` counts in something else now, it is said anew. */
export function changed(before: Options, after: Options): Options {
  const isOther = before.mem_type !== after.mem_type;
  return Object.fromEntries(
    Object.entries(after).filter(
      ([name, value]) => before[name] !== value || (isOther && name === "mem_value"),
    ),
  );
}

/** `2h`, `1h30m`, of seconds; empty where there is none. */
export function durationText(value: number | null): string {
  if (value === null) return "";
  const [d, h, m, s] = [
    Math.floor(value / 86400),
    Math.floor((value % 86400) / 3600),
    Math.floor((value % 3600) / 60),
    value % 60,
  ];
  return [d && `${d}d`, h && `${h}h`, m && `${m}m`, s && `${s}s`].filter(Boolean).join("") || "0s";
}
