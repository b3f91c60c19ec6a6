/** A document of the API that is kept up to date by the event stream. */
import { useCallback, useEffect, useRef, useState } from "react";
import { get, Problem } from "../api/client";
import { useLive } from "./live";

export interface Resource<T> {
  /** The newest answer; null: none yet. It stays while a newer one is read. */
  data: T | null;
  problem: Problem | null;
  reload: () => void;
}

interface Manners {
  /** Kinds of events after which it is read anew. */
  on?: readonly string[];
  /** Read anew every so many milliseconds as well. */
  everyMs?: number;
}

/** Read a path now, and again when an event of these kinds came. `null` reads nothing. */
export function useResource<T>(target: string | null, manners: Manners = {}): Resource<T> {
  const [answer, setAnswer] = useState<{ target: string | null; data: T | null; problem: Problem | null }>({
    target: null,
    data: null,
    problem: null,
  });
  const [turn, setTurn] = useState(0);
  const { on = [], everyMs } = manners;
  const version = useLive((live) => on.reduce((sum, kind) => sum + (live.versions[kind] ?? 0), 0));
  const isHearing = useLive((live) => live.isHearing);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const latest = useRef(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: version and turn say when to read anew
  useEffect(() => {
    if (target === null || !isHearing) return;
    const mine = ++latest.current;
    const abort = new AbortController();
    get<T>(target, { signal: abort.signal }).then(
      (data) => mine === latest.current && setAnswer({ target, data, problem: null }),
      (problem: unknown) => {
        if (problem instanceof Problem && mine === latest.current) {
          setAnswer((before) => ({ target, data: before.target === target ? before.data : null, problem }));
        }
      },
    );
    return () => abort.abort();
  }, [target, isHearing, version, turn]);
  useEffect(() => {
    if (everyMs === undefined) return;
    const clock = setInterval(reload, everyMs);
    return () => clearInterval(clock);
  }, [everyMs, reload]);
  const isMine = answer.target === target;
  return { data: isMine ? answer.data : null, problem: isMine ? answer.problem : null, reload };
}
