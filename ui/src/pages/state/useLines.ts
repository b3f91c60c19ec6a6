/** From what the store knows to the lines of the list. */
import { useMemo } from "react";
import type { Row } from "../../api/types";
import { useLive } from "../../store/live";
import { useRights } from "../../store/session";
import { END_REASONS, PENDING_REASONS } from "../../words/reasons";
import { TASK_STATES } from "../../words/states";
import { type Known, parse, type Test, type Token, testOf } from "./filter";
import { useReason } from "./reason";
import { type Line, linesOf, type Mode, ordered, type Places } from "./rows";

export const SHOWS = ["all", "mine", "running", "pending"] as const;
export type Show = (typeof SHOWS)[number];

const RUNNING = new Set(["starting", "running", "stopping"]);

export interface Shown {
  tokens: readonly Token[];
  lines: readonly Line[];
  counts: Record<Show, number>;
}

function testsOf(tenant: string): Record<Show, Test> {
  return {
    all: () => true,
    mine: (row) => row.tenant === tenant,
    running: (row) => RUNNING.has(row.state),
    pending: (row) => row.state === "pending",
  };
}

/** `minute`: now, in whole minutes, by which `since:2h` moves on. */
export function useLines(
  filter: string,
  show: Show,
  places: Places,
  open: ReadonlySet<string>,
  mode: Mode,
  minute: number,
): Shown {
  const tasks = useLive((live) => live.tasks);
  const { tenant } = useRights();
  const tokens = useMemo(() => parse(filter, minute), [filter, minute]);
  const rows = useMemo(() => {
    const test = testOf(tokens, { tenant, now: minute });
    return [...tasks.values()].filter(test);
  }, [tasks, tokens, tenant, minute]);
  const counts = useMemo(() => {
    const tests = testsOf(tenant);
    const of = (name: Show) => rows.reduce((n, row) => n + (tests[name](row) ? 1 : 0), 0);
    return { all: rows.length, mine: of("mine"), running: of("running"), pending: of("pending") };
  }, [rows, tenant]);
  const sorted = useMemo(
    () => ordered(rows.filter(testsOf(tenant)[show]), places),
    [rows, tenant, show, places],
  );
  const textOf = useReason();
  const lines = useMemo(() => linesOf(sorted, open, mode, textOf), [sorted, open, mode, textOf]);
  return { tokens, lines, counts };
}

/** What filters can be completed with. */
export function useKnown(): Known {
  const queues = useLive((live) => live.queues);
  const gpus = useLive((live) => live.gpus);
  const tasks = useLive((live) => live.tasks);
  const names = gpus.map((gpu) => gpu.index).join(" ");
  return useMemo(() => {
    const rows: Row[] = [...tasks.values()];
    const unique = (values: Iterable<string>) => [...new Set(values)].sort();
    return {
      states: Object.keys(TASK_STATES),
      users: unique(rows.map((row) => row.tenant)),
      queues: queues.map((queue) => queue.name),
      tags: unique(rows.flatMap((row) => row.tags)),
      gpus: names.split(" ").filter(Boolean),
      reasons: [...Object.keys(END_REASONS), ...Object.keys(PENDING_REASONS)],
    };
  }, [queues, names, tasks]);
}
