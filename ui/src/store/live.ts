/**
 * What the page knows of the daemon: one event stream feeds it.
 *
 * Events say what changed, samples bring what is only measured; changed tasks are read anew, at most once a second.
 * A stream that comes back goes on behind the last event, so that nothing is lost; where the daemon cannot do that
 * any more (`gap`), everything is read anew. Old values stay until newer ones are here.
 */
import { create } from "zustand";
import { get, path } from "../api/client";
import {
  type Counts,
  type Daemon,
  type Gpu,
  type Host,
  type Queue,
  ROW_FIELDS,
  type Row,
  type Sample,
  type Told,
} from "../api/types";
import { ENDED, LIVE } from "../words/states";
import { type Connection, next } from "./connection";

export const SAMPLE_S = 2;
const FLUSH_MS = 1000;
const MOST_IDS = 500;
const PAGE = 1000;
const AGAIN_MS = 2000;
const KINDS = ["task", "queue", "gpu", "file", "run", "tenant", "token", "config", "daemon", "alert"];
/** So many tasks that have ended are read at the start; lists ask for more. */
const ENDED_FIRST = 200;

export interface Live {
  connection: Connection;
  /** What is read now is told when it changes. */
  isHearing: boolean;
  /** What pages begin with has been read: of the tasks, the first ones. */
  isLoaded: boolean;
  daemon: Daemon | null;
  host: Host | null;
  gpus: Gpu[];
  queues: Queue[];
  counts: Counts | null;
  tasks: ReadonlyMap<number, Row>;
  /** Grows with every committed change of a kind: `useResource` reads anew. */
  versions: Readonly<Record<string, number>>;
  /** When the newest values were measured, by the daemon's clock; null: none were. */
  measuredAt: string | null;
}

export const useLive = create<Live>(() => ({
  connection: { state: "reconnecting", since: Date.now(), heardAt: 0 },
  isHearing: false,
  isLoaded: false,
  daemon: null,
  host: null,
  gpus: [],
  queues: [],
  counts: null,
  tasks: new Map(),
  versions: {},
  measuredAt: null,
}));

const fields = ROW_FIELDS.join(",");
let stream: EventSource | null = null;
let dirty = new Set<number>();
let kinds = new Set<string>();
let flushing: ReturnType<typeof setTimeout> | null = null;
let watched: () => readonly number[] = () => [];
let clock: ReturnType<typeof setInterval> | null = null;
let isDeaf = false;
let isReading: object | null = null;

/** Pending reasons change without an event of their task: rows that are looked at are read with every change. */
export function watchRows(visible: () => readonly number[]): () => void {
  watched = visible;
  return () => {
    watched = () => [];
  };
}

/** These tasks were changed by this page: read them without waiting for the stream. */
export function touch(...ids: number[]): void {
  for (const id of ids) dirty.add(id);
  schedule(50);
}

/** More rows than the store began with, such as older ended tasks. */
export function keep(rows: readonly Row[]): void {
  const tasks = new Map(useLive.getState().tasks);
  for (const row of rows) tasks.set(row.id, row);
  useLive.setState({ tasks });
}

/** Listen, where nobody does yet; returns how to stop. */
export function listen(): () => void {
  if (clock === null) {
    clock = setInterval(() => look("tick"), 1000);
    open();
  }
  return stop;
}

function stop(): void {
  if (clock !== null) clearInterval(clock);
  clock = null;
  stream?.close();
  stream = null;
}

/** Listen first, then read: what happens while one reads is told, and read again. */
function open(): void {
  const source = new EventSource(path("/api/events", { samples: SAMPLE_S }));
  stream?.close();
  stream = source;
  let isRead = false;
  source.onopen = () => look("heard");
  // The first sample comes at once, and what is committed after it is told.
  const read = () => {
    if (!useLive.getState().isHearing) useLive.setState({ isHearing: true });
    // A stream that comes back goes on behind the last event by itself.
    if (!isRead) void readAll(source);
    isRead = true;
  };
  source.onerror = () => {
    look("lost");
    if (!useLive.getState().isHearing) {
      // Better to read without being told than not at all.
      isDeaf = true;
      useLive.setState({ isHearing: true });
    }
    // Refused for good: perhaps the session is over, which asking anything tells its store.
    if (source.readyState === EventSource.CLOSED) void again(source);
  };
  source.addEventListener("sample", (message) => {
    take(JSON.parse(message.data) as Sample);
    read();
  });
  source.addEventListener("gap", () => void readAll(source));
  for (const kind of KINDS) {
    source.addEventListener(kind, (message) => note(JSON.parse(message.data) as Told));
  }
}

async function again(source: EventSource): Promise<void> {
  if (stream !== source) return;
  await get("/api/user").catch(() => undefined);
  await new Promise((done) => setTimeout(done, AGAIN_MS));
  if (stream === source) open();
}

interface Status {
  daemon: Daemon;
  gpus: Gpu[];
  queues: Queue[];
  counts: Counts;
  host: Host;
}

async function readAll(source: EventSource): Promise<void> {
  const reading = {};
  isReading = reading;
  try {
    const [status, live, ended] = await Promise.all([
      get<Status>("/api/status"),
      readPage(0),
      get<Row[]>(path("/api/tasks", { state: ENDED, newest: 1, limit: ENDED_FIRST, fields })),
    ]);
    if (isReading !== reading) return; // a newer reading began: these rows may be older than its own
    const tasks = new Map<number, Row>();
    for (const row of [...ended, ...live]) tasks.set(row.id, row);
    const { versions: before, isLoaded } = useLive.getState();
    // At first nothing can have changed unheard, but where pages read before anybody listened.
    const versions = isLoaded || isDeaf ? bumped(before, KINDS) : before;
    // Whoever waits for the first rows need not wait for thousands; whoever has them keeps them until all are here.
    if (!isLoaded) useLive.setState({ ...status, tasks, versions, isLoaded: true });
    const more = await readBehind(live);
    if (isReading !== reading || (!isLoaded && more.length === 0)) return;
    const all = new Map(isLoaded ? tasks : useLive.getState().tasks);
    for (const row of more) all.set(row.id, row);
    useLive.setState(isLoaded ? { ...status, tasks: all, versions } : { tasks: all });
  } catch {
    if (isReading === reading && stream === source && source.readyState !== EventSource.CLOSED) {
      setTimeout(() => void readAll(source), AGAIN_MS);
    }
  } finally {
    if (isReading === reading) isReading = null;
    if (dirty.size || kinds.size) schedule(0);
  }
}

/** Tasks that have not ended, behind an id. */
function readPage(after: number): Promise<Row[]> {
  return get<Row[]>(path("/api/tasks", { state: LIVE, fields, limit: PAGE, after: after || null }));
}

/** All behind a page. */
async function readBehind(page: readonly Row[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (let last = page; last.length === PAGE; rows.push(...last)) last = await readPage(last.at(-1)?.id ?? 0);
  return rows;
}

function take(sample: Sample): void {
  const { gpus, host, counts, at } = sample;
  useLive.setState({ gpus, host, counts, measuredAt: at });
  look("heard");
}

function note(told: Told): void {
  look("heard");
  kinds.add(told.kind);
  if (told.task_id !== null) dirty.add(told.task_id);
  schedule(FLUSH_MS);
}

function schedule(delay: number): void {
  // What is being read would put older rows over newer ones.
  if (flushing === null && isReading === null && useLive.getState().isLoaded)
    flushing = setTimeout(() => void flush(), delay);
}

async function flush(): Promise<void> {
  const ids = new Set(dirty);
  const changed = new Set(kinds);
  dirty = new Set();
  kinds = new Set();
  const { tasks, versions } = useLive.getState();
  if (changed.size > 0) {
    for (const id of watched()) if (tasks.get(id)?.state === "pending") ids.add(id);
  }
  try {
    const rows = await readIds([...ids]);
    const after = new Map(useLive.getState().tasks);
    for (const id of ids) if (!rows.has(id)) after.delete(id);
    for (const [id, row] of rows) after.set(id, row);
    const more =
      changed.has("queue") || changed.has("task") ? { queues: await get<Queue[]>("/api/queues") } : {};
    const daemon =
      changed.has("daemon") || changed.has("config") ? { daemon: await get<Daemon>("/api/daemon") } : {};
    useLive.setState({ ...more, ...daemon, tasks: after, versions: bumped(versions, changed) });
  } catch {
    for (const id of ids) dirty.add(id);
    for (const kind of changed) kinds.add(kind);
  } finally {
    flushing = null;
    if (dirty.size || kinds.size) schedule(FLUSH_MS);
  }
}

async function readIds(ids: number[]): Promise<Map<number, Row>> {
  const found = new Map<number, Row>();
  for (let from = 0; from < ids.length; from += MOST_IDS) {
    const some = ids.slice(from, from + MOST_IDS);
    const rows = await get<Row[]>(path("/api/tasks", { ids: some.join(","), fields, limit: MOST_IDS }));
    for (const row of rows) found.set(row.id, row);
  }
  return found;
}

function bumped(
  versions: Readonly<Record<string, number>>,
  changed: Iterable<string>,
): Record<string, number> {
  const after = { ...versions };
  for (const kind of changed) after[kind] = (after[kind] ?? 0) + 1;
  return after;
}

function look(what: "heard" | "lost" | "tick"): void {
  const { connection } = useLive.getState();
  const after = next(connection, what, Date.now());
  if (after !== connection) useLive.setState({ connection: after });
}
