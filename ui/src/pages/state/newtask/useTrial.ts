/** A dry run while a person types: where and when the task would start, or why it would be refused. */
import { useEffect, useState } from "react";
import { Problem, post } from "../../../api/client";
import type { DryRun } from "../../../api/types";
import { type Draft, requestOf } from "./draft";

export interface Trial {
  answer: DryRun | null;
  problem: Problem | null;
}

const PAUSE_MS = 400;
const NOTHING: Trial = { answer: null, problem: null };

/** The newest answer; the old one stays until it is there. A sweep is judged by its first task. */
export function useTrial(draft: Draft): Trial {
  const [trial, setTrial] = useState<Trial>(NOTHING);
  const isEmpty = !draft.lease && draft.command.trim() === "";
  const request = isEmpty ? "" : JSON.stringify({ ...requestOf(draft), dry_run: true });
  useEffect(() => {
    if (request === "") {
      setTrial(NOTHING);
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      post<DryRun>("/api/tasks", JSON.parse(request), { signal: abort.signal }).then(
        (answer) => setTrial({ answer, problem: null }),
        (error: unknown) => error instanceof Problem && setTrial({ answer: null, problem: error }),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [request]);
  return trial;
}
