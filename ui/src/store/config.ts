/** Every setting, with the word that stands for the file as it was read: a change is made to that very file. */
import { useCallback, useEffect, useRef, useState } from "react";
import { Problem, send } from "../api/client";
import type { Setting } from "../api/types";
import { useLive } from "./live";

export interface Config {
  rows: readonly Setting[];
  etag: string | null;
}

/** The settings, read anew when the configuration changed; null: not read yet, or not to be seen by this account. */
export function useConfig(mayRead: boolean): {
  config: Config | null;
  problem: Problem | null;
  /** Read anew; done when the page has what the file was then, or something newer. */
  reload: () => Promise<void>;
} {
  const [config, setConfig] = useState<Config | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const begun = useRef(0);
  const shown = useRef(0);
  const version = useLive(({ versions }) => (versions.config ?? 0) + (versions.daemon ?? 0));
  const isHearing = useLive((live) => live.isHearing);
  const reload = useCallback(async () => {
    const mine = ++begun.current;
    const isNews = () => {
      if (mine <= shown.current) return false;
      shown.current = mine;
      return true;
    };
    try {
      const reply = await send("GET", "/api/config");
      const rows = (await reply.json()) as Setting[];
      if (isNews()) setConfig({ rows, etag: reply.headers.get("ETag") });
    } catch (error) {
      if (error instanceof Problem && isNews()) setProblem(error);
    }
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says when to read anew
  useEffect(() => {
    if (mayRead && isHearing) void reload();
  }, [mayRead, isHearing, version, reload]);
  return { config, problem, reload };
}
