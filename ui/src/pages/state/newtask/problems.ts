/** Which field a refusal is about. */
import { Problem } from "../../../api/client";

/** Other names of the same field. */
const SAME: Readonly<Record<string, string>> = {
  argv: "command",
  script: "command",
  memory_mib: "memory",
  memory_mb: "memory",
  time_limit_s: "time_limit",
  timeout: "time_limit",
  depends_on: "after",
  param_rows: "params",
};

/** `tasks[0].env.A` is `env`, `script.content` is `command`. */
export function fieldOf(problem: Problem | null): string | null {
  if (problem === null) return null;
  const [first = ""] = (problem.field ?? "").replace(/^tasks?(\[\d+\])?\./, "").split(/[.[]/);
  return first === "" ? null : (SAME[first] ?? first);
}

/** A problem, or null where the error is not the daemon's. */
export function asProblem(error: unknown): Problem | null {
  return error instanceof Problem ? error : null;
}
