/** The documents of command files and their runs. */
import type { TaskState } from "../../api/types";

export type Mode = "single" | "multi";

export interface Mistake {
  line: number;
  problem: string;
  hint: string | null;
  block: string;
}

export interface Block {
  process_index: number;
  /** Where the block begins, from 1. */
  line: number;
  commands: string[];
  gpu_count: number;
  memory_gb: number;
}

export interface FileRow {
  id: number;
  mode: Mode;
  config_index: number;
  index: number;
  name: string;
  tenant: string;
  n_tasks: number;
  n_queues: number;
  n_mistakes: number;
  is_running: boolean;
  is_changed: boolean;
  n_bindings: number;
  etag: string;
  modified_at: string;
  modified_by: string;
}

export interface StoredFile extends FileRow {
  content: string;
  queues: Record<string, Block[]>;
  mistakes: Mistake[];
}

export interface Checked {
  n_tasks: number;
  queues: Record<string, Block[]>;
  mistakes: Mistake[];
}

export type LaneStatus = "waiting" | "running" | "completed" | "failed" | "stopped" | "cancelled" | string;

export interface Process {
  index: number;
  status: string;
  commands: string[];
  memory_gb: number;
  gpu_count: number;
  gpus: (number | string)[];
  retry_count: number;
  last_error: string | null;
  task_id: number | null;
  task_state: TaskState | null;
  end_reason: string | null;
  exit_code: number | null;
  started_at: string | null;
  ended_at: string | null;
  pending_reason: string | null;
}

export interface Lane {
  id: string;
  status: LaneStatus;
  pending_tasks: number;
  running_tasks: number;
  completed_tasks: number;
  failed_tasks: number;
  cancelled_tasks: number;
  skipped_tasks: number;
  total_tasks: number;
  last_error: string | null;
  last_error_task_id: number | null;
  current_task_id: number | null;
  ended_at: string | null;
  gpus: (number | string)[];
  memory_used_mib: number | null;
  pending_reason: string | null;
  pending_detail: string | null;
  expected_end_at: string | null;
  processes: Process[];
}

export interface Run {
  pid: number;
  run: number;
  mode: Mode;
  config_index: number;
  state: string;
  name: string;
  started_at: string;
  started_by: string;
  ended_at: string | null;
  pending_tasks: number;
  running_tasks: number;
  completed_tasks: number;
  failed_tasks: number;
  cancelled_tasks: number;
  skipped_tasks: number;
  total_tasks: number;
  gpus_used: (number | string)[];
  expected_end_at: string | null;
  expected_basis: string | null;
  last_error: string | null;
  queues: Record<string, Lane>;
}

export interface Binding {
  key: string;
  queue_id: string;
  process_index: number;
  path: string;
  exists: boolean;
  size: number | null;
  modified_at: string | null;
  task_id: number | null;
  problem: string | null;
}

interface Changed {
  commands?: string[];
  line?: number;
  task_id?: number;
  gpu_count?: number;
  memory_gb?: number;
  state?: string;
}

export interface Difference {
  is_changed: boolean;
  n_added: number;
  n_removed: number;
  n_moved: number;
  n_started: number;
  queues: Record<string, { added: Changed[]; removed: Changed[]; moved: Changed[]; started: Changed[] }>;
}

/** `/api/commands/single?config_index=0` and the like. */
export function at(base: string, file: { mode: Mode; config_index: number }, last = ""): string {
  return `${base}/${file.mode}${last}?config_index=${file.config_index}`;
}

export function isOver(run: Run): boolean {
  return run.ended_at !== null;
}

/** The glyph that a run, a lane or a process shows. */
export function stateOf(status: string): TaskState {
  const states: Record<string, TaskState> = {
    waiting: "pending",
    pending: "pending",
    retrying: "pending",
    starting: "starting",
    running: "running",
    stopping: "stopping",
    completed: "completed",
    finished: "completed",
    done: "completed",
    failed: "failed",
    error: "failed",
    stopped: "cancelled",
    cancelled: "cancelled",
    skipped: "cancelled",
    held: "held",
  };
  return states[status] ?? "pending";
}
