/** Where the text of a log comes from: a task's own output, or a file that is bound to it. */
import { get, Problem, path, send } from "../../../../api/client";

export interface Part {
  content: Uint8Array;
  start: number;
  /** Where to go on. */
  next: number;
  isEnded: boolean;
  /** It is another log, or one that was begun anew: this is from `start` on. */
  isAnew: boolean;
}

export interface Source {
  /** How long it is now, in bytes. */
  end: (signal: AbortSignal) => Promise<number>;
  /** What stands behind a byte, waiting so many seconds for something. */
  read: (offset: number, waitS: number, signal: AbortSignal) => Promise<Part>;
  /** What stands between two bytes. */
  span: (from: number, to: number, signal?: AbortSignal) => Promise<Uint8Array>;
  /** Whether asking again is of no use. */
  isFinal: (error: unknown) => boolean;
  fileName: string;
}

/** Behind the end of every log: the answer tells where that is. */
const FAR = 2 ** 50;

function isFinal(error: unknown): boolean {
  return error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429;
}

async function pieces(
  from: number,
  to: number,
  read: (at: number) => Promise<{ content: Uint8Array; next: number }>,
): Promise<Uint8Array> {
  const found: Uint8Array[] = [];
  let at = from;
  while (at < to) {
    const part = await read(at);
    if (part.next <= at) break;
    found.push(part.content);
    at = part.next;
  }
  const whole = new Uint8Array(found.reduce((sum, one) => sum + one.length, 0));
  let n = 0;
  for (const one of found) {
    whole.set(one, n);
    n += one.length;
  }
  return whole.subarray(0, Math.max(0, whole.length - Math.max(0, at - to)));
}

/** A task's output; `attempt` null: the newest, whichever that is. */
export function ofTask(id: number, attempt: number | null): Source {
  let which: string | null = null;
  const ask = async (offset: number, waitS: number, signal?: AbortSignal): Promise<Part> => {
    const target = path(`/api/tasks/${id}/logs`, { offset, wait: waitS || null, attempt });
    const reply = await send("GET", target, signal ? { signal } : {});
    const number = reply.headers.get("X-Gavelq-Attempt");
    const isOther = which !== null && number !== null && number !== which;
    which = number;
    const start = Number(reply.headers.get("X-Gavelq-Start") ?? 0);
    // Places in a new attempt's log, or in one that was begun anew, have nothing to do with the old ones.
    if (isOther || (start < offset && offset !== FAR)) return { ...(await ask(0, 0, signal)), isAnew: true };
    return {
      content: new Uint8Array(await reply.arrayBuffer()),
      start,
      next: Number(reply.headers.get("X-Gavelq-Offset") ?? start),
      isEnded: reply.headers.get("X-Gavelq-Ended") === "1",
      isAnew: false,
    };
  };
  return {
    end: async (signal) => (await ask(FAR, 0, signal)).next,
    read: ask,
    span: (from, to, signal) => pieces(from, to, (at) => ask(at, 0, signal)),
    isFinal,
    fileName: attempt === null ? `task-${id}.log` : `task-${id}.${attempt}.log`,
  };
}

export interface Binding {
  mode: string;
  config_index: number;
  queue_id: string;
  process_index: number;
  path: string;
  exists: boolean;
  size: number | null;
  task_id: number | null;
}

const PART_BYTES = 1 << 20;

/** A file of the user's own that is bound to the task of a command file. */
export function ofBinding(binding: Binding): Source {
  const { mode, config_index, queue_id, process_index } = binding;
  const place = { mode, config_index, queue_id, process_index };
  const target = (more: Record<string, string | number | null>) =>
    path("/api/log/content", { ...place, ...more });
  let identity: string | null = null;
  const ask = async (offset: number, waitS: number, signal?: AbortSignal): Promise<Part> => {
    const reply = await send(
      "GET",
      target({ offset, limit: PART_BYTES, identity, wait: waitS || null, raw: 1 }),
      signal ? { signal } : {},
    );
    identity = reply.headers.get("X-Gavelq-Identity") || identity;
    const start = Number(reply.headers.get("X-Gavelq-Start") ?? 0);
    return {
      content: new Uint8Array(await reply.arrayBuffer()),
      start,
      next: Number(reply.headers.get("X-Gavelq-Offset") ?? start),
      isEnded: reply.headers.get("X-Gavelq-Ended") === "1",
      isAnew: reply.headers.get("X-Gavelq-Truncated") === "1",
    };
  };
  return {
    end: async (signal) => {
      const found = await get<{ size: number | null }>(target({ tail_lines: 1 }), { signal });
      return found.size ?? 0;
    },
    read: ask,
    span: (from, to, signal) => pieces(from, to, (at) => ask(at, 0, signal)),
    isFinal,
    fileName: binding.path.split("/").at(-1) ?? "bound.log",
  };
}
