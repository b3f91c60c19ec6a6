/** The last run of a configuration: progress by lane, what runs where, what failed and why. */
import { Link } from "wouter";
import { Empty } from "../../parts/Empty";
import { TaskGlyph } from "../../parts/Glyph";
import { TaskStatePill } from "../../parts/State";
import { useNow } from "../../shell/Connection";
import { useLanguage, useWords } from "../../words";
import { gib, since, span, when } from "../../words/format";
import { Progress } from "./FileList";
import { type FileRow, isOver, type Lane, type Process, type Run, stateOf } from "./files";
import { words } from "./words";

const SHOWN = 8;

function One({ one }: { one: Process }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const now = useNow(5000);
  const until = one.ended_at ? new Date(one.ended_at).getTime() : now;
  const command = one.commands.at(-1) ?? "";
  return (
    <li className="process">
      <TaskGlyph state={one.task_state ?? stateOf(one.status)} />
      <span className="mono cut" title={one.commands.join("\n")}>
        {one.task_id === null ? command : <Link href={`/state/${one.task_id}`}>{one.task_id}</Link>}{" "}
        {one.task_id !== null && command}
      </span>
      <span className="row">
        {one.gpus.map((gpu) => (
          <span key={gpu} className="chip mine">
            {gpu}
          </span>
        ))}
      </span>
      <span className="second num">
        {one.gpu_count > 1 ? `${one.gpu_count} × ` : ""}
        {one.memory_gb} GB
      </span>
      <span className="second num">
        {one.started_at
          ? span(since(one.started_at, until), language)
          : one.retry_count
            ? t("attempts", { n: one.retry_count })
            : "–"}
      </span>
    </li>
  );
}

/** Those around the one that runs: the last that ended, the running one, what comes next. */
function around(processes: readonly Process[]): readonly Process[] {
  const at = processes.findIndex((one) => one.ended_at === null);
  const from = Math.max(0, Math.min((at < 0 ? processes.length : at) - 2, processes.length - SHOWN));
  return processes.slice(from, from + SHOWN);
}

function LaneView({ lane }: { lane: Lane }) {
  const t = useWords(words);
  const failed = lane.processes.findLast((one) => one.last_error !== null && one.status === "failed");
  return (
    <section className="file-lane">
      <div className="row">
        <span className="chip">{lane.id}</span>
        <TaskStatePill state={stateOf(lane.status)} />
        {lane.memory_used_mib !== null && (
          <span className="second live">{t("memoryOf", { used: gib(lane.memory_used_mib) })}</span>
        )}
        <span className="push second">
          {t("doneOf", { done: lane.completed_tasks, total: lane.total_tasks })}
        </span>
      </div>
      <Progress of={lane} />
      {lane.status === "waiting" && lane.pending_detail && <p className="second">{lane.pending_detail}</p>}
      <ul>
        {around(lane.processes).map((one) => (
          <One key={one.index} one={one} />
        ))}
      </ul>
      {failed?.task_id && (
        <div className="lane-error role-bad">
          <span className="grow">{failed.last_error}</span>
          <Link className="button small" href={`/state/${failed.task_id}?tab=log`}>
            {t("openLog")}
          </Link>
        </div>
      )}
    </section>
  );
}

export function RunPanel({ run, file }: { run: Run | null; file: FileRow }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  if (run === null) {
    return (
      <Empty title={t("notRun")} command={`gavelq file start ${file.index} --mode ${file.mode}`}>
        {t("notRunText")}
      </Empty>
    );
  }
  const figures = [
    [t("done"), t("doneOf", { done: run.completed_tasks, total: run.total_tasks }).replace(/ done$/, "")],
    [t("running"), run.running_tasks],
    [t("failed"), run.failed_tasks],
    [t("gpus"), run.gpus_used.join(" ") || "–"],
    [t("ends"), isOver(run) ? "–" : run.expected_end_at ? when(run.expected_end_at, language) : t("unknown")],
  ] as const;
  return (
    <>
      <div className="run-figures">
        {figures.map(([label, value]) => (
          <div key={label}>
            <div className="label">{label}</div>
            <b>{value}</b>
          </div>
        ))}
      </div>
      {Object.values(run.queues).map((lane) => (
        <LaneView key={lane.id} lane={lane} />
      ))}
    </>
  );
}
