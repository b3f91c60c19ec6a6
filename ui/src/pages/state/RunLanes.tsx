/** Configurations of command files that run: one card each, with the progress of its queue ids. */
import { useState } from "react";
import { Link } from "wouter";
import { post } from "../../api/client";
import { ownFailures } from "../../api/runs";
import { Button } from "../../parts/Button";
import { confirm } from "../../parts/Dialog";
import { TaskGlyph } from "../../parts/Glyph";
import { act } from "../../parts/Toast";
import { useResource } from "../../store/resource";
import { useRights } from "../../store/session";
import { type Pair, useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import { whyWaiting } from "../../words/reasons";
import { wordsOf } from "./filter";
import { words as pageWords } from "./words";
import "./lanes.css";

const words = {
  runs: ["Running configurations", "运行中的命令文件"],
  single: ["single {n}", "单卡 {n}"],
  multi: ["multi {n}", "多卡 {n}"],
  counts: ["{done} of {all} done", "已完成 {done} / {all}"],
  failed: ["{n} failed", "失败 {n}"],
  byAbout: ["done about {at}", "预计 {at} 完成"],
  stop: ["Stop", "停止"],
  stopping: ["Is being stopped", "正在停止"],
  stopAsk: ["Stop {name}?", "停止 {name}？"],
  stopText: [
    "{running} of its tasks run and will be ended; {pending} wait and never start.",
    "正在运行的 {running} 个任务将被结束，等待的 {pending} 个不再启动。",
  ],
  stopEffect: ["Stop and end {n} tasks", "停止并结束 {n} 个任务"],
  stopped: ["{name} is being stopped", "{name} 正在停止"],
  show: ["Show the tasks of {name}", "显示 {name} 的任务"],
  lane: [
    "queue {id}: {done} of {all} done, {failed} failed",
    "队列 {id}：已完成 {done} / {all}，失败 {failed}",
  ],
  more: ["{n} more", "另 {n} 个"],
  fewer: ["Fewer", "收起"],
  waits: ["waits", "等待"],
} as const satisfies Record<string, Pair>;

interface Counted {
  pending_tasks: number;
  running_tasks: number;
  completed_tasks: number;
  failed_tasks: number;
  cancelled_tasks: number;
  skipped_tasks: number;
  total_tasks: number;
}

/** A queue id of a run (docs/rest.md, "A run"). */
interface Lane extends Counted {
  id: string;
  status: "waiting" | "running" | "retrying" | "completed" | "failed";
  current_task: string | null;
  gpus: (number | string)[];
  pending_reason: string | null;
  pending_detail: string | null;
}

interface Run extends Counted {
  pid: number;
  mode: "single" | "multi";
  index: number | null;
  name: string;
  submission_id: number;
  state: "starting" | "running" | "stopping" | "completed" | "failed";
  expected_end_at: string | null;
  queues: Record<string, Lane>;
}

/** A lane's state in the words and glyphs of a task. */
const AS_TASK = {
  waiting: "pending",
  retrying: "pending",
  running: "running",
  completed: "completed",
  failed: "failed",
} as const;

const MOST_LANES = 6;

function Progress({ of }: { of: Counted }) {
  const part = (n: number) => ({ width: `${(100 * n) / Math.max(1, of.total_tasks)}%` });
  return (
    <div className="lane-bar" aria-hidden="true">
      <span className="fill-ok" style={part(of.completed_tasks)} />
      <span className="fill-mine" style={part(of.running_tasks)} />
      <span className="fill-bad" style={part(ownFailures(of))} />
    </div>
  );
}

function LaneRow({ lane }: { lane: Lane }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { completed_tasks: done, total_tasks: all } = lane;
  const gpus = lane.gpus.length > 0 ? ` · GPU ${lane.gpus.join(" ")}` : "";
  const text = lane.current_task ? `${lane.current_task}${gpus}` : whyWaiting(lane, language);
  return (
    <li className="run-lane">
      <span className="row">
        <TaskGlyph state={AS_TASK[lane.status]} size={12} />
        <b className="name cut">{lane.id}</b>
        <span className="second cut grow" title={text}>
          {text}
        </span>
        <span className="second">
          {done}/{all}
        </span>
      </span>
      <span className="only-read">{t("lane", { id: lane.id, done, all, failed: ownFailures(lane) })}</span>
      <Progress of={lane} />
    </li>
  );
}

function RunCard({ run, filter, onFilter }: { run: Run; filter: string; onFilter: (token: string) => void }) {
  const t = useWords(words);
  const page = useWords(pageWords);
  const language = useLanguage((choice) => choice.language);
  const { maySubmit } = useRights();
  const [isAll, setAll] = useState(false);
  const lanes = Object.values(run.queues);
  const shown = isAll ? lanes : lanes.slice(0, MOST_LANES);
  const label =
    run.index === null ? run.mode : t(run.mode === "multi" ? "multi" : "single", { n: run.index });
  const name = run.name || label;
  const token = `submission:${run.submission_id}`;
  const isShown = wordsOf(filter).includes(token);
  const stop = async () => {
    const { isAgreed } = await confirm({
      title: t("stopAsk", { name }),
      text: t("stopText", { running: run.running_tasks, pending: run.pending_tasks }),
      effect: t("stopEffect", { n: run.running_tasks + run.pending_tasks }),
    });
    if (isAgreed) await act(() => post(`/api/scheduler/stop/${run.pid}`), t("stopped", { name }));
  };
  return (
    <div className={`card run ${isShown ? "shown" : ""}`} data-run={run.pid}>
      <div className="row">
        <TaskGlyph
          state={run.state === "stopping" ? "stopping" : run.state === "starting" ? "pending" : "running"}
          part={run.completed_tasks / Math.max(1, run.total_tasks)}
        />
        <button
          type="button"
          className="lane-name cut"
          aria-pressed={isShown}
          aria-label={t("show", { name })}
          onClick={() => onFilter(token)}
        >
          {name}
        </button>
        {run.index !== null && (
          <Link href={`/command/${run.mode}/${run.index}`} className="second">
            {label}
          </Link>
        )}
        <span className="push second cut">
          {t("counts", { done: run.completed_tasks, all: run.total_tasks })}
          {ownFailures(run) > 0 && `, ${t("failed", { n: ownFailures(run) })}`}
          {run.expected_end_at && ` · ${t("byAbout", { at: when(run.expected_end_at, language) })}`}
        </span>
        <Button
          size="small"
          icon="stop"
          kind="danger"
          refused={maySubmit ? (run.state === "stopping" ? t("stopping") : null) : page("viewer")}
          onClick={() => void stop()}
        >
          {t("stop")}
        </Button>
      </div>
      <ul className="run-lanes">
        {shown.map((lane) => (
          <LaneRow key={lane.id} lane={lane} />
        ))}
      </ul>
      {lanes.length > MOST_LANES && (
        <Button kind="plain" size="small" onClick={() => setAll(!isAll)}>
          {isAll ? t("fewer") : t("more", { n: lanes.length - MOST_LANES })}
        </Button>
      )}
    </div>
  );
}

export function RunLanes({ filter, onFilter }: { filter: string; onFilter: (token: string) => void }) {
  const t = useWords(words);
  const { data } = useResource<{ schedulers: Run[] }>("/api/scheduler/running?processes=0", {
    on: ["run", "task"],
  });
  const runs = data?.schedulers ?? [];
  if (runs.length === 0) return null;
  return (
    <section className="runs" aria-label={t("runs")}>
      {runs.map((run) => (
        <RunCard key={run.pid} run={run} filter={filter} onFilter={onFilter} />
      ))}
    </section>
  );
}
