/** Whether the page is as narrow as a phone, where lists take the place of cards. */
import { useSyncExternalStore } from "react";

const media = matchMedia("(max-width: 599px)");

function watch(told: () => void): () => void {
  media.addEventListener("change", told);
  return () => media.removeEventListener("change", told);
}

export function useNarrow(): boolean {
  return useSyncExternalStore(watch, () => media.matches);
}
