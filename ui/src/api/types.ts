/** Names for the documents of the API; `schema.ts` is generated from docs/openapi.json (`npm run types`). */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Task = Schemas["Task"];
export type TaskDetails = Schemas["TaskDetails"];
export type TaskState = Task["state"];
export type Gpu = Schemas["Gpu"];
export type GpuState = Gpu["state"];
export type GpuProcess = Schemas["GpuProcess"];
export type Queue = Schemas["Queue"];
export type Daemon = Schemas["Daemon"];
export type User = Schemas["User"];
export type Explanation = Schemas["Explanation"];
export type DryRun = Schemas["DryRun"];
export type Plan = Schemas["Plan"];
export type Attempt = Schemas["Attempt"];
export type Setting = Schemas["Setting"];
export type ConfigChange = Schemas["ConfigChange"];
export type Tenant = Schemas["Tenant"];
export type Token = Schemas["Token"];
export type Event = Schemas["Event"];
export type Simulation = Schemas["Simulation"];
export type SimulatedTask = Schemas["SimulatedTask"];
export type SimulatedSide = Schemas["SimulatedSide"];

/** The fields that lists of tasks show; everything else is asked for when a task is opened. */
export const ROW_FIELDS = [
  "id",
  "name",
  "state",
  "pending_reason",
  "pending_detail",
  "pending_details",
  "end_reason",
  "end_detail",
  "exit_code",
  "signal",
  "queue",
  "priority",
  "tenant",
  "command",
  "gpu_count",
  "max_gpus",
  "memory_mib",
  "share",
  "time_limit_s",
  "submission_id",
  "gpus",
  "submitted_at",
  "started_at",
  "ended_at",
  "expected_start_at",
  "tags",
  "is_lease",
  "array_index",
  "hold_reason",
  "attempt",
] as const;

/** A task as a row of a list. */
export type Row = Pick<Task, (typeof ROW_FIELDS)[number]>;

/** The machine that the daemon runs on; null: unknown. */
export interface Host {
  name: string;
  cpu_count: number | null;
  cpu_percent: number | null;
  memory_total_mib: number | null;
  memory_used_mib: number | null;
  load_1m: number | null;
}

/** Tasks by state. */
export type Counts = Record<TaskState, number>;

/** What the stream tells every few seconds: measured values, which are no events. */
export interface Sample {
  kind: "sample";
  at: string;
  gpus: Gpu[];
  host: Host;
  counts: Counts;
  position: number;
}

/** A committed change, as the stream tells it. */
export interface Told {
  id: number;
  kind: string;
  at: string;
  event: string;
  by: string;
  task_id: number | null;
  subject: string;
  details: Record<string, unknown>;
  tenant: string | null;
}
