/** Ended tasks further back than the store knows: read in pages while the reader scrolls on. */
import { useCallback, useEffect, useRef, useState } from "react";
import { get, path } from "../../api/client";
import { ROW_FIELDS, type Row } from "../../api/types";
import { complain } from "../../parts/Toast";
import { keep } from "../../store/live";

const PAGE = 500;
/** So many pages are read by themselves where few of their tasks match; then the reader is asked. */
const PATIENCE = 4;

export interface Older {
  isBusy: boolean;
  isDone: boolean;
  /** It stopped by itself here (ISO 8601); null: it did not. */
  pausedAt: string | null;
  /** The end of the list is in view. */
  more: () => void;
  /** The end of the list is out of view again. */
  rest: () => void;
  /** Go on though little was found. */
  insist: () => void;
}

type Query = Record<string, string | readonly string[]>;

interface Mark {
  before: number | null;
  nPages: number;
  isBusy: boolean;
  isDone: boolean;
  pausedAt: string | null;
}

const START: Mark = { before: null, nPages: 0, isBusy: false, isDone: false, pausedAt: null };

/** `since`: no task that ended before (ms) is wanted. `isLoaded`: the store has its first tasks. */
export function useOlder(query: Query, since: number | null, isLoaded: boolean): Older {
  const key = JSON.stringify([query, since !== null]);
  const [mark, setMark] = useState<Mark>(START);
  const now = useRef({ key, mark, query, since });
  if (now.current.key !== key) {
    now.current = { key, mark: START, query, since };
  } else now.current = { ...now.current, query, since };
  useEffect(() => {
    setMark(key === now.current.key ? now.current.mark : START);
  }, [key]);
  const put = useCallback((from: string, changes: Partial<Mark>) => {
    if (now.current.key !== from) return;
    now.current.mark = { ...now.current.mark, ...changes };
    setMark(now.current.mark);
  }, []);
  const read = useCallback(
    async (isAsked: boolean) => {
      const { key: from, mark: at, query: wanted, since: bound } = now.current;
      const isNothing = Array.isArray(wanted.state) && wanted.state.length === 0;
      if (!isLoaded || at.isBusy || at.isDone || (at.pausedAt !== null && !isAsked)) return;
      if (isNothing) return put(from, { isDone: true });
      put(from, { isBusy: true, pausedAt: null });
      try {
        const fields = ROW_FIELDS.join(",");
        const rows = await get<Row[]>(
          path("/api/tasks", { ...wanted, fields, newest: 1, limit: PAGE, before: at.before }),
        );
        keep(rows);
        const [first] = rows;
        const isPast = bound !== null && rows.every((row) => Date.parse(row.ended_at ?? "") < bound);
        const nPages = isAsked ? 1 : at.nPages + 1;
        put(from, {
          isBusy: false,
          isDone: rows.length < PAGE || first === undefined || isPast,
          before: first?.id ?? at.before,
          nPages,
          pausedAt: nPages % PATIENCE === 0 ? (first?.ended_at ?? null) : null,
        });
      } catch (error) {
        put(from, { isBusy: false, pausedAt: new Date().toISOString() });
        complain(error);
      }
    },
    [isLoaded, put],
  );
  const more = useCallback(() => void read(false), [read]);
  const insist = useCallback(() => void read(true), [read]);
  const rest = useCallback(() => put(now.current.key, { nPages: 0, pausedAt: null }), [put]);
  const { isBusy, isDone, pausedAt } = mark;
  return { isBusy, isDone, pausedAt, more, rest, insist };
}
