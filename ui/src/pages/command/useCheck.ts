/** What the daemon's parser says of a text while it is typed. */
import { useEffect, useState } from "react";
import { Problem, post } from "../../api/client";
import { complain } from "../../parts/Toast";
import type { Checked, Mode, StoredFile } from "./files";

const PAUSE_MS = 300;

/** The newest answer and the text that it is about; the stored text needs no question. */
export function useCheck(file: StoredFile, mode: Mode, text: string): { checked: Checked; isFresh: boolean } {
  const [answer, setAnswer] = useState<{ text: string; checked: Checked } | null>(null);
  const isStored = text === file.content;
  useEffect(() => {
    if (isStored) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      post<Checked>(`/api/commands/${mode}/check`, { content: text }, { signal: abort.signal }).then(
        (checked) => setAnswer({ text, checked }),
        (error: unknown) => {
          if (error instanceof Problem) complain(error);
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [isStored, mode, text]);
  if (isStored) return { checked: file, isFresh: true };
  return { checked: answer?.checked ?? file, isFresh: answer?.text === text };
}
