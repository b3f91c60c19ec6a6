/** Parts of the console that are loaded when they are first shown. */
import { type ComponentType, type ReactNode, useSyncExternalStore } from "react";

/**
 * A component that is loaded when it is first shown: `lazily(() => import("./Charts"), (found) => found.Charts)`.
 *
 * `meanwhile`, a property, is what stands there until it is loaded. React's own `lazy` holds back what it loaded for
 * the rest of 300 ms, so that its place holders do not flicker; this one shows it at once.
 *
 * A part that cannot be had because gavelq was upgraded comes as undefined, and the page is about to be loaded
 * anew (see shell/renew.ts): it waits for that.
 */
export function lazily<M, P extends object>(
  load: () => Promise<M | undefined>,
  pick: (found: M) => ComponentType<P>,
) {
  let state: { part?: ComponentType<P>; error?: unknown } = {};
  let isLoading = false;
  const waiting = new Set<() => void>();
  const settle = (now: typeof state) => {
    state = now;
    for (const tell of waiting) tell();
  };
  const begin = () => {
    if (isLoading) return;
    isLoading = true;
    load().then(
      (found) => found !== undefined && settle({ part: pick(found) }),
      (error: unknown) => settle({ error }),
    );
  };
  const watch = (tell: () => void) => {
    waiting.add(tell);
    return () => void waiting.delete(tell);
  };
  // biome-ignore lint/correctness/noComponentHookFactories: called where modules are read, once for each part
  function Part({ meanwhile, ...props }: P & { meanwhile?: ReactNode }) {
    const { part: Found, error } = useSyncExternalStore(watch, () => state);
    if (error !== undefined) throw error;
    if (Found !== undefined) return <Found {...(props as unknown as P)} />;
    begin();
    return meanwhile;
  }
  /** Begin before it is shown. */
  Part.begin = begin;
  return Part;
}
