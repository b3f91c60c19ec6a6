/** Nothing jumps while one reads: the order of lines stands still while the pointer or the focus is in the list. */
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Row } from "../../api/types";
import { changesBetween, freshened, type Line, tailBehind } from "./rows";

/** A pointer that lies still for so long is forgotten: the page may be left open all day. */
const FORGOTTEN_AFTER_MS = 120_000;

/** Whether somebody reads in there. */
export function useReader(frame: RefObject<HTMLElement | null>): boolean {
  const [isThere, setThere] = useState(false);
  useEffect(() => {
    const box = frame.current;
    if (box === null) return;
    let isPointed = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(timer);
      const isHere = isPointed || box.contains(document.activeElement);
      setThere(isHere);
      if (isHere) timer = setTimeout(() => setThere(false), FORGOTTEN_AFTER_MS);
    };
    const enter = () => {
      isPointed = true;
      look();
    };
    const leave = () => {
      isPointed = false;
      look();
    };
    const later = () => setTimeout(look, 0); // the focus is nowhere while it moves
    const told = [
      ["pointerenter", enter],
      ["pointermove", enter],
      ["pointerleave", leave],
      ["pointercancel", leave],
      ["focusin", look],
      ["focusout", later],
      ["keydown", look],
      ["wheel", look],
    ] as const;
    for (const [kind, act] of told) box.addEventListener(kind, act, { passive: true });
    return () => {
      clearTimeout(timer);
      for (const [kind, act] of told) box.removeEventListener(kind, act);
    };
  }, [frame]);
  return isThere;
}

export interface Frozen {
  lines: readonly Line[];
  /** So many lines would come, go or move. */
  changes: number;
  /** Take the newest order once. */
  thaw: () => void;
}

/** `turn`: what the reader chose (filter, folds, width); a new choice shows its lines at once. */
export function useFrozen(
  wanted: readonly Line[],
  tasks: ReadonlyMap<number, Row>,
  isHeld: boolean,
  turn: string,
): Frozen {
  const kept = useRef({ lines: wanted, turn });
  const [, draw] = useState(0);
  if (!isHeld || kept.current.turn !== turn) kept.current = { lines: wanted, turn };
  const tail = tailBehind(kept.current.lines, wanted);
  if (tail.length > 0) kept.current = { lines: [...kept.current.lines, ...tail], turn };
  const order = kept.current.lines;
  const thaw = useCallback(() => {
    kept.current = { ...kept.current, turn: "" };
    draw((n) => n + 1);
  }, []);
  const { lines, changes } = useMemo(() => {
    if (order === wanted) return { lines: wanted, changes: 0 };
    const now = new Map(wanted.map((line) => [line.key, line]));
    return {
      lines: order.map((line) => freshened(line, now, tasks)),
      changes: changesBetween(order, wanted),
    };
  }, [order, wanted, tasks]);
  return { lines, changes, thaw };
}
