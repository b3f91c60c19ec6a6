/** Single keys: off in inputs, and where a person switched them off. */
import { useEffect, useRef } from "react";
import { useChoices } from "../store/settings";

type Keys = Record<string, (event: KeyboardEvent) => void>;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Keys by `event.key`; `"g t"` is two of them within a second. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  const hasKeys = useChoices((choices) => choices.hasKeys);
  useEffect(() => {
    if (!hasKeys) return;
    let before = "";
    let at = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector("[aria-modal]")) return;
      const pair = event.timeStamp - at < 1000 ? `${before} ${event.key}` : "";
      const act = latest.current[pair] ?? latest.current[event.key];
      before = event.key;
      at = event.timeStamp;
      if (act === undefined) return;
      event.preventDefault();
      act(event);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [hasKeys]);
}
