/** Changes of settings that are not saved yet: kept while one looks at other pages and over a reload, tried by the daemon while one types. */
import { useEffect, useMemo, useRef, useState } from "react";
import { create } from "zustand";
import { Problem, post, put } from "../../api/client";
import type { Setting } from "../../api/types";
import { useConfig } from "../../store/config";
import { chinese, inPageLanguage } from "../../words/told";
import { type Draft, namesOf, type Sent, toSend, type Wish } from "./values";

const PAUSE_MS = 300;
const AGAIN_MS = 10_000;

export interface SettingChange {
  name: string;
  old: unknown;
  new: unknown;
  was_default: boolean;
  is_default: boolean;
}

export interface Start {
  task_id: number;
  name: string;
  gpus: (number | string)[];
}

/** How many cards gavelq uses with these starts, and how many it may use. */
export interface Budget {
  n_used: number;
  most: number;
  is_limited: boolean;
}

export interface Reason {
  task_id: number;
  name: string;
  now: string | null;
  then: string | null;
  now_reason: string | null;
  then_reason: string | null;
}

/** What the daemon says of the changes: what would start, and how the file would read. */
export interface Tried {
  changed: SettingChange[];
  now: Start[];
  then: Start[];
  reasons: Reason[];
  preempted: number[];
  budget: { now: Budget; then: Budget };
  file: { path: string; before: string; after: string };
}

export interface Change {
  number: number;
  at: string;
  by: string;
  how: string;
  undoes: number | null;
  undone_by: number | null;
  settings: SettingChange[];
}

/** What came of saving or undoing. */
export interface Done {
  changed: string[];
  needs_restart: string[];
  warnings: string[];
  change: Change | null;
}

const PLACE = "gavelq.settings";
/** A channel's address may hold a secret, and is not kept in the browser. */
const NOT_KEPT = "notify.urls";
const EMPTY: Draft = {};

type Drafts = Readonly<Record<string, Draft>>;

function kept(): Drafts {
  try {
    const found = JSON.parse(sessionStorage.getItem(PLACE) ?? "{}") as Drafts | null;
    return found !== null && Object.values(found).every((draft) => typeof draft === "object") ? found : {};
  } catch {
    return {};
  }
}

const useDrafts = create<{ drafts: Drafts }>(() => ({ drafts: kept() }));

function keep(page: string, change: (draft: Draft) => Draft): void {
  useDrafts.setState(({ drafts }) => ({ drafts: { ...drafts, [page]: change(drafts[page] ?? EMPTY) } }));
  const { drafts } = useDrafts.getState();
  const text = JSON.stringify(drafts, (name, value: unknown) => (name === NOT_KEPT ? undefined : value));
  try {
    sessionStorage.setItem(PLACE, text);
  } catch {
    // A browser that keeps nothing has them as long as the page is open.
  }
}

/** What is wrong with each setting, in the daemon's words; under "" what belongs to none of these. */
export function mistakesOf(problem: Problem | null, rows: readonly Setting[]): Record<string, string> {
  if (problem === null) return {};
  const details = (problem.body.details ?? {}) as { mistakes?: unknown };
  const told = Array.isArray(details.mistakes) ? (details.mistakes as Record<string, string | null>[]) : [];
  const found: Record<string, string> = {};
  for (const one of told) {
    const field = rows.some((row) => row.name === one.field) ? (one.field ?? "") : "";
    const what = inPageLanguage(one.problem ?? "");
    found[field] = one.hint ? `${what}${chinese() ? "：" : ": "}${inPageLanguage(one.hint)}` : what;
  }
  if (told.length > 0) return found;
  return { [rows.some((row) => row.name === problem.field) ? (problem.field ?? "") : ""]: problem.message };
}

interface Verdict {
  tried: Tried | null;
  problem: Problem | null;
  /** The changes that it is about. */
  about: string;
}

/** What the daemon says of these changes, a moment after they were made and again as time goes by. */
function useTried(sent: Sent, isOn: boolean, version: string | null): Verdict {
  const [verdict, setVerdict] = useState<Verdict>({ tried: null, problem: null, about: "" });
  const about = JSON.stringify(sent);
  const latest = useRef(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says that the file is another one
  useEffect(() => {
    if (!isOn) return;
    const ask = async () => {
      const mine = ++latest.current;
      const { values, unset } = JSON.parse(about) as Sent;
      try {
        const tried = await post<Tried>("/api/config/try", { settings: values, unset });
        if (mine === latest.current) setVerdict({ tried, problem: null, about });
      } catch (error) {
        if (!(error instanceof Problem) || mine !== latest.current || error.status === 0) return;
        setVerdict((before) => ({ tried: before.tried, problem: error, about }));
      }
    };
    const first = setTimeout(() => void ask(), PAUSE_MS);
    const clock = setInterval(() => void ask(), AGAIN_MS);
    return () => {
      latest.current++;
      clearTimeout(first);
      clearInterval(clock);
    };
  }, [about, isOn, version]);
  return verdict;
}

export function useDraft(page: string, isMine: (name: string) => boolean, mayRead: boolean) {
  const { config, problem: unread, reload } = useConfig(mayRead);
  const draft = useDrafts(({ drafts }) => drafts[page] ?? EMPTY);
  const rows = useMemo(() => config?.rows.filter((row) => isMine(row.name)) ?? [], [config, isMine]);
  const sent = useMemo(() => toSend(rows, draft), [rows, draft]);
  const names = useMemo(() => namesOf(sent), [sent]);
  const verdict = useTried(sent, config !== null, config?.etag ?? null);
  const isJudged = verdict.about === JSON.stringify(sent);
  return {
    rows,
    /** What is wanted of each setting, changed or not. */
    draft,
    /** The changes as they are sent. */
    sent,
    /** The names of those that are different. */
    names,
    tried: verdict.tried,
    /** The daemon has looked at the changes as they are now. */
    isJudged,
    isValid: verdict.problem === null,
    mistakes: isJudged ? mistakesOf(verdict.problem, rows) : {},
    unread,
    reload,
    wish: (name: string, wish: Wish) => keep(page, (before) => ({ ...before, [name]: wish })),
    discard: () => keep(page, () => EMPTY),
    /** Write all of them or none. Throws Problem; the draft is gone only when they are written. */
    save: async (): Promise<Done> => {
      // Until the page has the file as it is now, another change would be made to the one before.
      const done = await put<Done>("/api/config", sent, { etag: config?.etag ?? null }).finally(reload);
      keep(page, () => EMPTY);
      return done;
    },
  };
}

export type Drafting = ReturnType<typeof useDraft>;
