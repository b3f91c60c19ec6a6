/** Which fields a refusal is about, and what it says of them. Pure. */
import { Problem } from "../../../api/client";
import { chinese, inPageLanguage } from "../../../words/told";

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

/** Refusals that name no field, because there is only one that it can be. */
const BY_CODE: Readonly<Record<string, string>> = {
  queue_not_found: "queue",
  gpu_not_found: "gpu_ids",
};

/** `tasks[0].env.A` is `env`, `script.content` is `command`. */
export function nameOf(field: string): string {
  const [first = ""] = field.replace(/^tasks?(\[\d+\])?\./, "").split(/[.[]/);
  return SAME[first] ?? first;
}

interface Mistake {
  field?: string;
  problem: string;
  hint?: string;
}

export interface Refusal {
  /** What is wrong, by field. */
  fields: ReadonlyMap<string, string>;
  /** All of it, a line each. */
  lines: readonly string[];
}

/** What the daemon said, told apart by field where it can be. */
export function refusalOf(problem: Problem): Refusal {
  const details = (problem.body.details ?? {}) as { mistakes?: Mistake[] };
  const mistakes = Array.isArray(details.mistakes) ? details.mistakes : [];
  if (mistakes.length === 0) {
    const field = problem.field === null ? BY_CODE[problem.code] : nameOf(problem.field);
    return {
      fields: new Map(field === undefined ? [] : [[field, problem.message]]),
      lines: [problem.message],
    };
  }
  const fields = new Map<string, string>();
  const lines: string[] = [];
  for (const { field = "", problem: text, hint } of mistakes) {
    const [what, advice] = [inPageLanguage(text), hint && inPageLanguage(hint)];
    const told = advice ? (chinese() ? `${what}（${advice}）` : `${what} (${advice})`) : what;
    if (field) fields.set(nameOf(field), told);
    lines.push(field ? `${field}: ${told}` : told);
  }
  return { fields, lines };
}

/** Looks a problem up by the names of fields. */
export function finder(problem: Problem | null): (...names: string[]) => string | null {
  if (problem === null) return () => null;
  const { fields } = refusalOf(problem);
  return (...names) => names.map((name) => fields.get(name)).find((text) => text !== undefined) ?? null;
}

/** A problem, or null where the error is not the daemon's. */
export function asProblem(error: unknown): Problem | null {
  return error instanceof Problem ? error : null;
}
