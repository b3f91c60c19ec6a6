/** Title, state, what can be done, and the facts in one line. */
import { Fragment, type ReactNode } from "react";
import type { TaskDetails } from "../../../api/types";
import { TaskStatePill } from "../../../parts/State";
import { useNow } from "../../../shell/Connection";
import { useLanguage, useWords } from "../../../words";
import { clock, hours, since, when, wholeGib } from "../../../words/format";
import { isEnded } from "../../../words/states";
import { TaskActions } from "./TaskActions";
import { words } from "./words";

/** Which part of the limit is over. */
function partOf(task: TaskDetails, now: number): number | undefined {
  if (task.state !== "running" || task.started_at === null || task.time_limit_s === null) return undefined;
  return Math.min(1, since(task.started_at, now) / task.time_limit_s);
}

function Facts({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const now = useNow();
  const n = task.max_gpus === null ? task.gpu_count : `${task.gpu_count}–${task.max_gpus}`;
  const wants =
    task.gpu_count === 0
      ? t("cpu")
      : task.memory_mib === null
        ? t("whole", { n })
        : `${n} × ${wholeGib(task.memory_mib)} GiB`;
  const facts = [
    task.tenant,
    t("queue", { name: task.queue }),
    t("priority", { n: task.priority }),
    wants,
    task.time_limit_s === null ? t("noLimit") : t("limit", { time: hours(task.time_limit_s) }),
  ];
  if (task.is_lease) facts.push(t("lease"));
  if (task.attempt > 1) facts.push(t("attempt", { n: task.attempt }));
  if (task.gpus.length && task.started_at !== null) facts.push(t("onGpu", { gpus: task.gpus.join(", ") }));
  if (task.started_at === null) facts.push(t("submitted", { at: when(task.submitted_at, language, now) }));
  else if (isEnded(task.state) && task.ended_at !== null) {
    facts.push(t("ended", { at: when(task.ended_at, language, now) }));
    facts.push(t("ran", { time: clock(since(task.started_at, Date.parse(task.ended_at))) }));
  } else facts.push(t("ran", { time: clock(since(task.started_at, now)) }));
  return (
    <p className="second drawer-facts">
      {facts.map((fact, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they stand in this order
        <Fragment key={i}>
          {i > 0 && " · "}
          <span>{fact}</span>
        </Fragment>
      ))}
    </p>
  );
}

export function Head({ task, close }: { task: TaskDetails; close: ReactNode }) {
  const part = partOf(task, useNow());
  return (
    <header className="drawer-head">
      <div className="drawer-title">
        <div className="drawer-name">
          <h2 className="cut" title={task.name}>
            <span className="mono drawer-id">#{task.id}</span> {task.name}
          </h2>
          <TaskStatePill state={task.state} {...(part === undefined ? {} : { part })} />
        </div>
        <TaskActions task={task} />
      </div>
      <div className="drawer-close">{close}</div>
      <Facts task={task} />
    </header>
  );
}
