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
  reload: () => void;
} {
  const [config, setConfig] = useState<Config | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const latest = useRef(0);
  const version = useLive(({ versions }) => (versions.config ?? 0) + (versions.daemon ?? 0));
  const isHearing = useLive((live) => live.isHearing);
  // biome-ignore lint/correctness/useExhaustiveDependencies: version and turn say when to read anew
  useEffect(() => {
    if (!mayRead || !isHearing) return;
    const mine = ++latest.current;
    const read = async () => {
      try {
        const reply = await send("GET", "/api/config");
        const rows = (await reply.json()) as Setting[];
        if (mine === latest.current) setConfig({ rows, etag: reply.headers.get("ETag") });
      } catch (error) {
        if (error instanceof Problem && mine === latest.current) setProblem(error);
      }
    };
    void read();
  }, [mayRead, isHearing, version, turn]);
  return { config, problem, reload };
}
