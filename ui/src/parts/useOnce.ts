/** Something that is done once at a time: a double click is one click. */
import { useRef } from "react";

/**
 * What starts it. While it goes on, starting it again does nothing.
 *
 * A disabled button is not enough: React draws it after the form's action has begun, and the second click is faster.
 */
export function useOnce(doing: () => Promise<unknown>): () => void {
  const isGoingOn = useRef(false);
  return () => {
    if (isGoingOn.current) return;
    isGoingOn.current = true;
    void doing().finally(() => {
      isGoingOn.current = false;
    });
  };
}
