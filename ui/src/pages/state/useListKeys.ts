/** Keys of the list: j k x / Esc anywhere on the page; arrows, Enter and Space on the line with the focus. */
import type { KeyboardEvent } from "react";
import { useKeys } from "../../shell/keys";
import type { Line } from "./rows";

interface Acts {
  /** Go to a line; numbers outside are brought inside. */
  move: (to: number) => void;
  enter: (line: Line) => void;
  toggle: (line: Line) => void;
  extend: (line: Line) => void;
  toggleFold: (key: string) => void;
  filter: () => void;
  leave: () => void;
}

/** A page of lines. */
const PAGE = 15;

export function useListKeys(lines: readonly Line[], here: string | null, acts: Acts) {
  const at = lines.findIndex((line) => line.key === here);
  const line = lines[at];
  useKeys(
    Object.fromEntries([
      ["j", () => acts.move(at + 1)],
      ["k", () => acts.move(at < 0 ? 0 : at - 1)],
      ["x", () => line && acts.toggle(line)],
      ["X", () => line && acts.extend(line)],
      ["/", acts.filter],
      ["Escape", acts.leave],
    ]),
  );
  return (event: KeyboardEvent) => {
    const key = event.target instanceof HTMLElement ? event.target.dataset.key : undefined;
    const i = key === undefined ? -1 : lines.findIndex((one) => one.key === key);
    const focused = lines[i];
    if (focused === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = actOf(event.key, focused, i, lines.length, acts);
    if (act === null) return;
    event.preventDefault();
    act();
  };
}

function actOf(key: string, line: Line, i: number, n: number, acts: Acts): (() => void) | null {
  const isFold = line.kind === "fold";
  switch (key) {
    case "Enter":
      return () => acts.enter(line);
    case " ":
      return () => acts.toggle(line);
    case "ArrowDown":
      return () => acts.move(i + 1);
    case "ArrowUp":
      return () => acts.move(i - 1);
    case "Home":
      return () => acts.move(0);
    case "End":
      return () => acts.move(n - 1);
    case "PageDown":
      return () => acts.move(i + PAGE);
    case "PageUp":
      return () => acts.move(i - PAGE);
    case "ArrowRight":
      return isFold && !line.isOpen ? () => acts.toggleFold(line.key) : null;
    case "ArrowLeft":
      return isFold && line.isOpen ? () => acts.toggleFold(line.key) : null;
    default:
      return null;
  }
}
