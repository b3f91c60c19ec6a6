/** A task's log: which one, a search, and its lines. */
import { useDeferredValue, useMemo, useState } from "react";
import type { TaskDetails } from "../../../../api/types";
import { Button } from "../../../../parts/Button";
import { download } from "../../../../parts/download";
import { act } from "../../../../parts/Toast";
import { useResource } from "../../../../store/resource";
import { useWords } from "../../../../words";
import { isEnded } from "../../../../words/states";
import { LogView } from "./LogView";
import { find } from "./lines";
import { type Binding, ofBinding, ofTask, type Source } from "./sources";
import { useBook } from "./useBook";
import { words } from "./words";

/** Save all of a log, part by part, as it is now. */
async function save(source: Source): Promise<void> {
  const end = await source.end(new AbortController().signal);
  const parts: BlobPart[] = [];
  const step = 4 << 20;
  for (let at = 0; at < end; at += step) {
    const bytes = await source.span(at, Math.min(end, at + step));
    parts.push(bytes as Uint8Array<ArrayBuffer>);
  }
  download(source.fileName, "text/plain", ...parts);
}

function useSources(task: TaskDetails) {
  const t = useWords(words);
  const { data } = useResource<{ bindings: Record<string, Binding> }>("/api/log/bindings", {
    on: ["file", "run"],
  });
  const bound = Object.entries(data?.bindings ?? {}).filter(([, one]) => one.task_id === task.id);
  const tries = task.attempts
    .filter((one) => one.attempt !== task.attempt && one.log_path !== null)
    .map((one) => one.attempt)
    .reverse();
  return [
    ["", t("newest", { n: Math.max(1, task.attempt) })] as const,
    ...tries.map((n) => [`try ${n}`, t("attempt", { n })] as const),
    ...bound.map(([key, one]) => [`file ${key}`, t("bound", { path: one.path })] as const),
  ].map(([key, text]) => ({
    key,
    text,
    binding: bound.find(([name]) => key === `file ${name}`)?.[1] ?? null,
  }));
}

interface SearchProps {
  query: string;
  onQuery: (text: string) => void;
  nFound: number;
  at: number;
  onMove: (step: number) => void;
}

function Search({ query, onQuery, nFound, at, onMove }: SearchProps) {
  const t = useWords(words);
  const count = nFound === 0 ? t("foundNone") : t("found", { n: at + 1, all: nFound });
  return (
    <>
      <input
        className="input log-find"
        type="search"
        aria-label={t("find")}
        placeholder={t("find")}
        value={query}
        onChange={(event) => onQuery(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          onMove(event.shiftKey ? -1 : 1);
        }}
      />
      {query !== "" && (
        <>
          <span className="label log-count" role="status">
            {count}
          </span>
          <Button icon="up" size="small" kind="plain" onlyIcon disabled={!nFound} onClick={() => onMove(-1)}>
            {t("previous")}
          </Button>
          <Button icon="down" size="small" kind="plain" onlyIcon disabled={!nFound} onClick={() => onMove(1)}>
            {t("next")}
          </Button>
        </>
      )}
    </>
  );
}

const WRAP = "gavelq.wrap";

export function Log({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  const [chosen, choose] = useState("");
  const [isWrapped, setWrapped] = useState(localStorage.getItem(WRAP) === "on");
  const [query, setQuery] = useState("");
  const [match, setMatch] = useState<number | null>(null);
  const sources = useSources(task);
  const binding = sources.find(({ key }) => key === chosen)?.binding ?? null;
  const attempt = /^try (\d+)$/.exec(chosen)?.[1];
  const hasBegun = task.started_at !== null || task.attempt > 0;
  const target = chosen === "" || attempt ? (hasBegun ? "task" : null) : (binding?.path ?? null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a binding is told anew with every change
  const source = useMemo<Source | null>(() => {
    if (target === null) return null;
    return binding ? ofBinding(binding) : ofTask(task.id, attempt ? Number(attempt) : null);
  }, [target, task.id, chosen]);
  const { page, book } = useBook(source);
  const lines = page?.lines ?? [];
  const asked = useDeferredValue(query);
  const found = useMemo(() => find(lines, asked), [lines, asked]);
  const at = match === null ? null : (found[Math.min(match, found.length - 1)] ?? null);
  const move = (step: number) => {
    if (found.length === 0) return;
    const from = match ?? (step > 0 ? -1 : 0);
    setMatch((from + step + found.length) % found.length);
  };
  const wrap = (isOn: boolean) => {
    localStorage.setItem(WRAP, isOn ? "on" : "off");
    setWrapped(isOn);
  };
  const [nEarlier, setEarlier] = useState(0);
  const earlier = () =>
    act(async () => {
      const n = (await book?.earlier()) ?? 0;
      setEarlier((before) => before + n);
    });
  const nothing = () => {
    if (page?.problem) return t("problem", { text: page.problem });
    if (!hasBegun) return t(isEnded(task.state) ? "neverStarted" : "notStarted");
    if (page?.isEnded) return t("emptyEnd");
    return page?.isCaughtUp ? t("empty") : "";
  };
  const above = page?.isCut && (
    <div className="log-above row wrap">
      <span className="second grow">{t(book?.hasEarlier ? "cut" : "dropped")}</span>
      {book?.hasEarlier && (
        <Button size="small" onClick={() => void earlier()}>
          {t("earlier")}
        </Button>
      )}
    </div>
  );
  return (
    <div className="log">
      <div className="log-bar row wrap">
        {sources.length > 1 && (
          <select
            className="select log-which"
            aria-label={t("which")}
            value={chosen}
            onChange={(event) => choose(event.target.value)}
          >
            {sources.map(({ key, text }) => (
              <option key={key} value={key}>
                {text}
              </option>
            ))}
          </select>
        )}
        <Search
          query={query}
          onQuery={(text) => {
            setQuery(text);
            setMatch(text === "" ? null : 0);
          }}
          nFound={found.length}
          at={Math.min(match ?? 0, Math.max(0, found.length - 1))}
          onMove={move}
        />
        <span className="push" />
        <label className="check">
          <input type="checkbox" checked={isWrapped} onChange={(event) => wrap(event.target.checked)} />
          {t("wrap")}
        </label>
        <Button
          icon="download"
          size="small"
          disabled={source === null}
          onClick={() => source && void act(() => save(source))}
        >
          {t("download")}
        </Button>
      </div>
      {lines.length === 0 ? (
        <p className="second log-none">{nothing()}</p>
      ) : (
        <LogView
          key={chosen}
          label={t("log", { id: task.id })}
          lines={lines}
          first={page?.first ?? 1}
          isWrapped={isWrapped}
          query={asked}
          at={at}
          isEnded={page?.isEnded ?? false}
          nEarlier={nEarlier}
          above={above}
        />
      )}
      <p className="label log-foot">
        {t("lines", { n: lines.length })}
        {lines.length > 0 && ` · ${t(page?.isEnded ? "ended" : "goesOn")}`}
        {page?.problem && lines.length > 0 && ` · ${t("problem", { text: page.problem })}`}
      </p>
    </div>
  );
}
