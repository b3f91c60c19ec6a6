/** Text that is not saved yet. It stays while one looks at other pages, and while the page is loaded anew. */
import { useCallback } from "react";
import { create } from "zustand";
import type { FileRow, StoredFile } from "./files";

export interface Draft {
  text: string;
  /** The version that the text was made from. */
  etag: string;
}

/** Those that were touched since the page was loaded; null: none any more. */
const useDrafts = create<{ drafts: Readonly<Record<string, Draft | null>> }>(() => ({ drafts: {} }));

function place(file: FileRow): string {
  return `gavelq.draft.${file.mode}.${file.id}`;
}

/** What the browser has kept of them, read once. */
const before = new Map<string, Draft | null>();

function kept(where: string): Draft | null {
  if (!before.has(where)) before.set(where, parsed(sessionStorage.getItem(where)));
  return before.get(where) ?? null;
}

function parsed(text: string | null): Draft | null {
  try {
    const found = JSON.parse(text ?? "null") as Draft | null;
    return found !== null && typeof found.text === "string" && typeof found.etag === "string" ? found : null;
  } catch {
    return null;
  }
}

function put(where: string, draft: Draft | null): void {
  try {
    if (draft === null) sessionStorage.removeItem(where);
    else sessionStorage.setItem(where, JSON.stringify(draft));
  } catch {
    // A text that is too long for the browser's store is kept as long as the page is open.
  }
  useDrafts.setState(({ drafts }) => ({ drafts: { ...drafts, [where]: draft } }));
}

function read(drafts: Readonly<Record<string, Draft | null>>, where: string): Draft | null {
  const found = drafts[where];
  return found === undefined ? kept(where) : found;
}

/** Whether a file has one. */
export function useHasDraft(file: FileRow): boolean {
  return useDrafts(({ drafts }) => read(drafts, place(file)) !== null);
}

/** The draft of a file, how to write it, and how to throw it away. */
export function useDraft(
  file: StoredFile,
): [Draft | null, (text: string, etag?: string) => void, () => void] {
  const where = place(file);
  const draft = useDrafts(({ drafts }) => read(drafts, where));
  const { content, etag: stored } = file;
  const write = useCallback(
    (text: string, etag?: string) => {
      const base = etag ?? read(useDrafts.getState().drafts, where)?.etag ?? stored;
      put(where, text === content && base === stored ? null : { text, etag: base });
    },
    [where, content, stored],
  );
  const drop = useCallback(() => put(where, null), [where]);
  return [draft, write, drop];
}
