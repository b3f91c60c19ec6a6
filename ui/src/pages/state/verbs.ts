/** What can be done to tasks: to which of them, with which requests, and what takes it back. */
import { get, Problem, path, post } from "../../api/client";
import type { Row } from "../../api/types";
import { touch } from "../../store/live";
import { isEnded } from "../../words/states";

export type Verb = "kill" | "hold" | "run" | "move" | "priority" | "rerun" | "remove";
export const VERBS: readonly Verb[] = ["kill", "hold", "run", "move", "priority", "rerun", "remove"];

/** Whether the daemon would do it to a task in this state. */
export function applies(verb: Verb, row: Row): boolean {
  switch (verb) {
    case "kill":
    case "move":
      return !isEnded(row.state);
    case "hold":
      return row.state === "pending";
    case "run":
      return row.state === "held";
    case "priority":
      return row.state === "pending" || row.state === "held";
    case "rerun":
      return !row.is_lease && isEnded(row.state);
    case "remove":
      return row.state === "held" || isEnded(row.state);
  }
}

export interface Outcome {
  done: Row[];
  /** What the daemon answered: tasks, or for whole submissions nothing. */
  answers: Row[];
  problems: Problem[];
}

const AT_ONCE = 6;

/** One request for each task, a few at a time. */
export async function each(rows: readonly Row[], one: (row: Row) => Promise<Row>): Promise<Outcome> {
  const outcome: Outcome = { done: [], answers: [], problems: [] };
  const queue = [...rows];
  const work = async () => {
    for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
      try {
        const answer = await one(row);
        outcome.done.push(row);
        outcome.answers.push(answer);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        outcome.problems.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  touch(...rows.map((row) => row.id), ...outcome.answers.map((row) => row.id));
  return outcome;
}

/** A submission with so many tasks or more is asked for as a whole. */
const WHOLE_FROM = 20;

/** kill, hold, run: whole submissions by one request, the others one by one. */
export async function tell(
  verb: "kill" | "hold" | "run",
  rows: readonly Row[],
  all: Iterable<Row>,
): Promise<Outcome> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) groups.set(row.submission_id, [...(groups.get(row.submission_id) ?? []), row]);
  const sizes = new Map<number, number>();
  for (const row of all)
    if (applies(verb, row)) sizes.set(row.submission_id, (sizes.get(row.submission_id) ?? 0) + 1);
  const whole: Row[] = [];
  const single: Row[] = [];
  const problems: Problem[] = [];
  for (const [submission, some] of groups) {
    if (some.length < WHOLE_FROM || some.length !== sizes.get(submission)) {
      single.push(...some);
      continue;
    }
    try {
      await post(`/api/submissions/${submission}/${verb}`);
      whole.push(...some);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
    }
  }
  touch(...whole.map((row) => row.id));
  const outcome = await each(single, (row) => post<Row>(`/api/tasks/${row.id}/${verb}`));
  return { ...outcome, done: [...whole, ...outcome.done], problems: [...problems, ...outcome.problems] };
}

/** Held tasks that were let go, and pending ones that were put on hold, as they were before. */
export async function putBack(rows: readonly Row[], all: Iterable<Row>): Promise<Outcome> {
  const now = await present(rows.map((row) => row.id));
  const places = new Map(now.map((row) => [row.id, row]));
  const others = rows.filter((row) => places.get(row.id)?.queue !== row.queue);
  const moved = await each(others, (row) => post<Row>(`/api/tasks/${row.id}/move`, { queue: row.queue }));
  const still = (await present(rows.map((row) => row.id))).filter(
    (row) => !isEnded(row.state) && rows.find((before) => before.id === row.id)?.state !== row.state,
  );
  const held = still.filter((row) => row.state === "held");
  const waiting = still.filter((row) => row.state === "pending");
  const [a, b] = [await tell("run", held, all), await tell("hold", waiting, all)];
  const parts = [moved, a, b];
  return {
    done: parts.flatMap((part) => part.done),
    answers: parts.flatMap((part) => part.answers),
    problems: parts.flatMap((part) => part.problems),
  };
}

/** What takes something back is told as one: the first refusal is its end. Throws Problem. */
export async function wholly(doing: Promise<Outcome>): Promise<Outcome> {
  const outcome = await doing;
  const [problem] = outcome.problems;
  if (problem) throw problem;
  return outcome;
}

async function present(ids: readonly number[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (let from = 0; from < ids.length; from += 500)
    rows.push(...(await get<Row[]>(path("/api/tasks", { ids: ids.slice(from, from + 500).join(",") }))));
  return rows;
}
