/** The tasks of a look ahead with their starts, a few at first. */
import { useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";
import type { SimulatedTask, Simulation } from "../../api/types";
import { Button } from "../../parts/Button";
import { TaskLink } from "../../parts/TaskLink";
import { useLanguage, useWords } from "../../words";
import { span, when } from "../../words/format";
import { byDifference, kindOf, shiftOf } from "./ahead";
import { words } from "./aheadWords";

const FIRST = 8;
const MORE = 50;
/** The daemon's own words for the two reasons that it has beside those of waiting. */
const LATER = "not within the time that was looked ahead";
const UNKNOWN = "it waits for tasks of which nobody knows how long they run: ";

type Fate = SimulatedTask["now"];

function Start({ fate }: { fate: Fate }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  if (fate.start_at === null) return <span className="quiet">{t("noStart")}</span>;
  const title = fate.gpus.length > 0 ? t("onGpus", { gpus: fate.gpus.join(", ") }) : undefined;
  return (
    <span className="live" title={title}>
      {when(fate.start_at, language)}
    </span>
  );
}

function Difference({ task }: { task: SimulatedTask }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const shift = shiftOf(task);
  const kind = kindOf(shift);
  const time = Number.isFinite(shift) ? span(Math.round(Math.abs(shift)), language) : "";
  const text = time ? t(`by_${kind}`, { time }) : t(shift < 0 ? "begins" : "ends");
  return <span className={`live ahead-${kind}`}>{text}</span>;
}

/** What a task asks for, how long it runs by whose word, and why it does not start. */
function Details({ task }: { task: SimulatedTask }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { gpu_count: n, run_time_basis: basis, run_time_s: seconds } = task;
  const why = task.now.why ?? task.then?.why ?? null;
  const said =
    why === null
      ? null
      : why === LATER
        ? t("notWithin")
        : why.startsWith(UNKNOWN)
          ? t("waitsForUnknown") + why.slice(UNKNOWN.length)
          : why;
  const time = seconds === null ? "" : span(Math.round(seconds), language);
  return (
    <div className="label">
      {n === 1 ? t("gpu1") : t("gpus", { n })}
      {t("comma")}
      {t(basis, { time })}
      {said && <div>{said}</div>}
    </div>
  );
}

function TaskRow({ task }: { task: SimulatedTask }) {
  const language = useLanguage((choice) => choice.language);
  const { now, then } = task;
  return (
    <tr>
      <th scope="row">
        <TaskLink id={task.task_id} /> <span className="name">{task.name}</span>
        <Details task={task} />
      </th>
      <td>
        <Start fate={now} />
      </td>
      <td className={then ? "" : "num"}>
        {then ? <Start fate={then} /> : now.wait_s === null ? "–" : span(now.wait_s, language)}
      </td>
      {then && (
        <td className="num">
          <Difference task={task} />
        </td>
      )}
    </tr>
  );
}

export function AheadTasks({ told }: { told: Simulation }) {
  const t = useWords(words);
  const [answer, setAnswer] = useState({ told, n: FIRST });
  const n = answer.told === told ? answer.n : FIRST;
  const isChanged = told.summary.then !== null;
  const tasks = useMemo(() => (isChanged ? byDifference(told.tasks) : told.tasks), [told, isChanged]);
  const rest = tasks.length - n;
  const rows = useRef<HTMLTableSectionElement>(null);
  const showMore = () => {
    flushSync(() => setAnswer({ told, n: n + MORE }));
    // The button is gone, or far below: the keyboard goes on at the first that was not there.
    rows.current?.rows[n]?.querySelector("a")?.focus({ preventScroll: true });
  };
  return (
    <>
      <table className="grid ahead-tasks">
        <caption className="only-read">{t(isChanged ? "tasks" : "tasksPlain")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("task")}</th>
            <th scope="col">{t(isChanged ? "now" : "start")}</th>
            <th scope="col" className={isChanged ? "" : "num"}>
              {t(isChanged ? "after" : "wait")}
            </th>
            {isChanged && (
              <th scope="col" className="num">
                {t("change")}
              </th>
            )}
          </tr>
        </thead>
        <tbody ref={rows}>
          {tasks.slice(0, n).map((task) => (
            <TaskRow key={task.task_id} task={task} />
          ))}
        </tbody>
      </table>
      {rest > 0 && (
        <div className="ahead-more">
          <Button kind="plain" size="small" onClick={showMore}>
            {t(rest > MORE ? "more" : "moreAll", { n: MORE, rest })}
          </Button>
        </div>
      )}
    </>
  );
}
