/** Parts of the console that are loaded when they are first shown. */
import { type ComponentType, lazy } from "react";

/**
 * A component that is loaded when it is first shown: `lazily(() => import("./Charts"), (found) => found.Charts)`.
 *
 * A part that cannot be had because gavelq was upgraded comes as undefined, and the page is about to be loaded
 * anew (see main.tsx): it waits for that.
 */
export function lazily<M, P>(load: () => Promise<M | undefined>, pick: (found: M) => ComponentType<P>) {
  return lazy(async () => {
    const found = await load();
    return found === undefined ? await new Promise<never>(() => undefined) : { default: pick(found) };
  });
}
