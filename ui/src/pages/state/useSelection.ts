/** Which tasks are selected; only those that are in the list count. */
import { useCallback, useMemo, useRef, useState } from "react";
import type { Row } from "../../api/types";
import { type Line, rowsOf } from "./rows";

export interface Selection {
  ids: ReadonlySet<number>;
  rows: readonly Row[];
  isAll: boolean;
  toggle: (line: Line) => void;
  /** From the last toggled line to this one. */
  extend: (line: Line) => void;
  toggleAll: () => void;
  clear: () => void;
}

const NONE: ReadonlySet<number> = new Set();

export function useSelection(lines: readonly Line[]): Selection {
  const [ids, setIds] = useState(NONE);
  const anchor = useRef<string | null>(null);
  const latest = useRef(lines);
  latest.current = lines;
  const { rows, n } = useMemo(() => {
    const shown = new Map<number, Row>();
    for (const line of lines) for (const row of rowsOf(line)) shown.set(row.id, row);
    return {
      rows: ids.size === 0 ? [] : [...shown.values()].filter((row) => ids.has(row.id)),
      n: shown.size,
    };
  }, [lines, ids]);
  const toggle = useCallback((line: Line) => {
    anchor.current = line.key;
    setIds((before) => {
      const after = new Set(before);
      const mine = rowsOf(line).map((row) => row.id);
      const isOn = mine.every((id) => after.has(id));
      for (const id of mine) {
        if (isOn) after.delete(id);
        else after.add(id);
      }
      return after;
    });
  }, []);
  const extend = useCallback((line: Line) => {
    const all = latest.current;
    const from = all.findIndex((one) => one.key === anchor.current);
    const to = all.findIndex((one) => one.key === line.key);
    if (to < 0) return;
    const [low, high] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
    if (from < 0) anchor.current = line.key;
    setIds((before) => {
      const after = new Set(before);
      for (const one of all.slice(low, high + 1)) for (const row of rowsOf(one)) after.add(row.id);
      return after;
    });
  }, []);
  const isAll = n > 0 && rows.length === n;
  const toggleAll = useCallback(
    () => setIds(isAll ? NONE : new Set(latest.current.flatMap((line) => rowsOf(line).map((row) => row.id)))),
    [isAll],
  );
  const clear = useCallback(() => setIds(NONE), []);
  return { ids, rows, isAll, toggle, extend, toggleAll, clear };
}
