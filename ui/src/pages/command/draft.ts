/** Text that is not saved yet. It stays while one looks at other pages, and while the page is loaded anew. */
import { useCallback, useState } from "react";
import type { StoredFile } from "./files";

export interface Draft {
  text: string;
  /** The version that the text was made from. */
  etag: string;
}

type Named = Pick<StoredFile, "mode" | "id">;

function place(file: Named): string {
  return `gavelq.draft.${file.mode}.${file.id}`;
}

/** Whether there is text of a file that is not saved. */
export function hasDraft(file: Named): boolean {
  return sessionStorage.getItem(place(file)) !== null;
}

function kept(file: StoredFile): Draft | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(place(file)) ?? "null") as Draft | null;
    return found !== null && typeof found.text === "string" && typeof found.etag === "string" ? found : null;
  } catch {
    return null;
  }
}

/** The draft of a file, how to write it, and how to throw it away. */
export function useDraft(
  file: StoredFile,
): [Draft | null, (text: string, etag?: string) => void, () => void] {
  const [draft, setDraft] = useState(() => kept(file));
  const write = useCallback(
    (text: string, etag?: string) => {
      setDraft((before) => {
        const base = etag ?? before?.etag ?? file.etag;
        if (text === file.content && base === file.etag) {
          sessionStorage.removeItem(place(file));
          return null;
        }
        const after = { text, etag: base };
        sessionStorage.setItem(place(file), JSON.stringify(after));
        return after;
      });
    },
    [file],
  );
  const drop = useCallback(() => {
    sessionStorage.removeItem(place(file));
    setDraft(null);
  }, [file]);
  return [draft, write, drop];
}
