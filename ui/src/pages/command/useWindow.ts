/** Which lines of a long text are in view: only those are drawn, with some beyond each edge. */
import { useCallback, useState } from "react";

/** Pixels. */
export const LINE = 20;
const BEYOND = 20;
/** Drawn before the frame is measured. */
const FIRST = 60;

export function useWindow(): {
  frame: (at: HTMLElement | null) => (() => void) | undefined;
  from: number;
  to: number;
} {
  const [seen, setSeen] = useState({ from: 0, to: FIRST });
  const frame = useCallback((at: HTMLElement | null) => {
    if (at === null) return;
    const look = () => {
      const first = Math.floor(at.scrollTop / LINE);
      // In steps, so that not every pixel of scrolling draws anew.
      const from = Math.max(0, Math.floor(first / BEYOND) * BEYOND - BEYOND);
      const to = from + Math.ceil(at.clientHeight / LINE) + 4 * BEYOND;
      setSeen((before) => (before.from === from && before.to === to ? before : { from, to }));
    };
    look();
    const sizes = new ResizeObserver(look);
    sizes.observe(at);
    at.addEventListener("scroll", look, { passive: true });
    return () => {
      sizes.disconnect();
      at.removeEventListener("scroll", look);
    };
  }, []);
  return { frame, ...seen };
}
