/** How wide a box is, and which of several ways to draw it fits. */
import { type RefObject, useCallback, useLayoutEffect, useState, useSyncExternalStore } from "react";

/** The width inside a box in CSS pixels, as it changes; 0 until it is there. */
export function useWidth(box: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = () => setWidth(element.clientWidth);
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [box]);
  return width;
}

const asked = new Map<string, MediaQueryList>();

function mediaOf(query: string): MediaQueryList {
  const media = asked.get(query) ?? matchMedia(query);
  asked.set(query, media);
  return media;
}

/** Whether a media query holds; ask with texts that do not change. */
export function useMedia(query: string): boolean {
  const watch = useCallback(
    (told: () => void) => {
      const media = mediaOf(query);
      media.addEventListener("change", told);
      return () => media.removeEventListener("change", told);
    },
    [query],
  );
  return useSyncExternalStore(watch, () => mediaOf(query).matches);
}

/** Whether the page is as narrow as a phone, where lists take the place of cards. */
export function useNarrow(): boolean {
  return useMedia("(max-width: 599px)");
}
