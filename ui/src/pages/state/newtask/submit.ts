/** Hand a form's task in: one task, or the tasks of a sweep. */
import { patch, post } from "../../../api/client";
import type { Task } from "../../../api/types";
import { touch } from "../../../store/live";
import { type Draft, requestOf, sweepOf } from "./draft";

export interface Submitted {
  first: number;
  last: number;
  name: string;
  n: number;
  /** Takes it back: nothing of it runs on. */
  undo: () => Promise<unknown>;
}

/**
 * Variables go on top of the environment that the daemon gives by itself. A request's `env` would take its place,
 * so that the task is accepted on hold, gets the variables, and is let go with the same change.
 */
async function handIn(draft: Draft, key: string): Promise<Task[]> {
  const { env, ...request } = requestOf(draft);
  const sweep = sweepOf(draft);
  const asked = env === undefined ? request : { ...request, hold: true };
  const made =
    sweep === null
      ? [await post<Task>("/api/tasks", asked, { key })]
      : await post<Task[]>("/api/submissions", { tasks: [{ ...asked, ...sweep }] }, { key });
  if (env === undefined) return made;
  const changes = draft.hold ? { env } : { env, hold: null };
  if (made.length === 1) return [await patch<Task>(`/api/tasks/${made[0]?.id}`, changes)];
  return post<Task[]>("/api/tasks/edit", { ids: made.map(({ id }) => id), changes });
}

export async function submit(draft: Draft): Promise<Submitted> {
  const made = await handIn(draft, crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`);
  const [first, last] = [made[0], made.at(-1)];
  if (first === undefined || last === undefined) throw new Error("the daemon made no task");
  touch(...made.map(({ id }) => id));
  return {
    first: first.id,
    last: last.id,
    name: first.name,
    n: made.length,
    undo: () =>
      made.length === 1
        ? post(`/api/tasks/${first.id}/kill`)
        : post(`/api/submissions/${first.submission_id}/kill`),
  };
}
