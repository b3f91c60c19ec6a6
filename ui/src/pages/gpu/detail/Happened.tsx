/** What happened on a card in the range that is shown, newest first. */
import { Link } from "wouter";
import type { Gpu } from "../../../api/types";
import { GpuGlyph, TaskGlyph } from "../../../parts/Glyph";
import { TaskLink } from "../../../parts/TaskLink";
import { say, useLanguage, useWords } from "../../../words";
import { clock, span, when } from "../../../words/format";
import { TASK_STATES } from "../../../words/states";
import { foreignSpans, type Guest } from "./kinds";
import type { History } from "./useHistory";
import { words } from "./words";

const MOST = 6;

interface Entry {
  key: string;
  at: number;
  task: Guest | null;
  hasEnded: boolean;
  /** How long it lasted, in milliseconds. */
  took: number;
}

function entriesOf({ stays, series, from, to, stepS }: History): Entry[] {
  const ofTasks = stays.flatMap(({ task, from: began, to: left }): Entry[] => {
    const took = left - began;
    const start = { key: `${task.id} started`, at: began, task, hasEnded: false, took };
    const end = { key: `${task.id} ended`, at: left, task, hasEnded: true, took };
    return task.ended_at === null ? [start] : [start, end];
  });
  const ofOthers = foreignSpans(series("foreign_memory_mib"), from, stepS * 1000).flatMap((one): Entry[] => {
    const took = one.to - one.from;
    const start = { key: `${one.from} came`, at: one.from, task: null, hasEnded: false, took };
    const end = { key: `${one.from} left`, at: one.to, task: null, hasEnded: true, took };
    return one.to >= to - stepS * 1000 ? [start] : [start, end];
  });
  return [...ofTasks, ...ofOthers]
    .filter(({ at }) => at >= from)
    .sort((a, b) => b.at - a.at)
    .slice(0, MOST);
}

function Line({ entry: { at, task, hasEnded, took } }: { entry: Entry }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const state = hasEnded ? (task?.state ?? "completed") : "running";
  const word = task === null ? "" : say(TASK_STATES[state].words, language).toLowerCase();
  return (
    <li className="row">
      <span className="second quiet nowrap happened-at">{when(new Date(at).toISOString(), language)}</span>
      {task === null ? <GpuGlyph state="foreign" /> : <TaskGlyph state={state} />}
      {task === null ? (
        <span className="second">
          {hasEnded ? t("foreignLeft", { time: span(took / 1000, language) }) : t("foreignCame")}
        </span>
      ) : (
        <span className="cut">
          <TaskLink id={task.id} className="" />{" "}
          <span className="second">
            {task.name} {hasEnded ? `${word}, ${clock(took / 1000)}` : t("started", { name: "" }).trim()}
          </span>
        </span>
      )}
    </li>
  );
}

export function Happened({ gpu, history }: { gpu: Gpu; history: History | null }) {
  const t = useWords(words);
  const entries = history === null ? [] : entriesOf(history);
  return (
    <section className="card" aria-label={t("events")}>
      <div className="row pad detail-head">
        <h2 className="grow">{t("events")}</h2>
        <Link href={`/state?q=gpu:${encodeURIComponent(String(gpu.index))}`}>{t("allEvents")}</Link>
      </div>
      {entries.length === 0 ? (
        <p className="pad second">{t("noEvent")}</p>
      ) : (
        <ul className="happened">
          {entries.map((entry) => (
            <Line key={entry.key} entry={entry} />
          ))}
        </ul>
      )}
    </section>
  );
}
