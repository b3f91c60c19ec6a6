/** One queue of a run: how far it is, its tasks around the one whose turn it is, what failed and what helps. */
import { Link } from "wouter";
import { post } from "../../api/client";
import { Button } from "../../parts/Button";
import { TaskGlyph } from "../../parts/Glyph";
import { TaskStatePill } from "../../parts/State";
import { act, toast } from "../../parts/Toast";
import { useNow } from "../../shell/Connection";
import { useLive } from "../../store/live";
import { type Language, say, useLanguage, useWords } from "../../words";
import { gib, since, span } from "../../words/format";
import { END_REASONS, PENDING_REASONS, whyWaiting } from "../../words/reasons";
import { Progress } from "./FileList";
import { type Lane, type Process, stateOf } from "./files";
import { useTold } from "./numbers";
import { words } from "./words";

/** Runs with more queues show less of each, and where they run before them. */
const FEW_QUEUES = 6;

export function hasManyQueues(n: number): boolean {
  return n > FEW_QUEUES;
}

/** How many tasks of each queue are asked for. */
export function aroundOf(nQueues: number): number {
  return hasManyQueues(nQueues) ? 3 : 8;
}
/** Memory to run again with, of what was too little. */
const MORE = 1.5;

function useLast(): (one: Process, before: Process | undefined) => string {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const now = useNow(5000);
  return (one, before) => {
    if (one.started_at)
      return span(since(one.started_at, one.ended_at ? new Date(one.ended_at).getTime() : now), language);
    if (one.ended_at) return t("notRun1");
    if (one.task_state === "held") return t("held");
    if (one.retry_count) return t("attempts", { n: one.retry_count });
    return one.pending_reason === "serial" && before
      ? t("after", { id: before.task_id ?? "" })
      : t("nextHere");
  };
}

function One({ one, before }: { one: Process; before: Process | undefined }) {
  const last = useLast();
  const language = useLanguage((choice) => choice.language);
  const command = one.commands.at(-1) ?? "";
  const reason = one.pending_reason ? PENDING_REASONS[one.pending_reason] : undefined;
  return (
    <li className="process">
      <TaskGlyph state={one.task_state ?? stateOf(one.status)} />
      <span className="mono cut" title={one.commands.join("\n")}>
        {one.task_id !== null && (
          <Link href={`/state/${one.task_id}`} aria-label={`#${one.task_id} ${command}`}>
            {one.task_id}
          </Link>
        )}{" "}
        {command}
      </span>
      <span className="row">
        {one.gpus.map((gpu) => (
          <span key={gpu} className={one.ended_at ? "chip" : "chip mine"} title={`GPU ${gpu}`}>
            {gpu}
          </span>
        ))}
      </span>
      <span className="second num">
        {one.gpu_count > 1 ? `${one.gpu_count} × ` : ""}
        {one.memory_gb} GB
      </span>
      <span className="second num" title={reason && say(reason, language)}>
        {last(one, before)}
      </span>
    </li>
  );
}

/** What failed, in words with a known code or else the daemon's; its log, and another try with more memory. */
function Failure({ lane, mayRun }: { lane: Lane; mayRun: boolean }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const most = useLive((live) => Math.max(0, ...live.gpus.map((gpu) => gpu.memory_total_mib))) / 1024;
  const id = lane.last_error_task_id;
  if (id === null || lane.last_error === null) return null;
  const one = lane.processes.find((process) => process.task_id === id);
  const isTriedAgain = one !== undefined && one.ended_at === null;
  const isMemory = one?.end_reason === "out_of_memory_gpu" && one.memory_gb !== null;
  const more = isMemory ? Math.min(Math.ceil(one.memory_gb * MORE), Math.floor(most)) : 0;
  const again = () =>
    act(async () => {
      const made = await post<{ id: number }>(`/api/tasks/${id}/rerun`, { memory: String(more) });
      toast(t("rerunDone", { old: id, id: made.id }), () => post(`/api/tasks/${made.id}/kill`));
    });
  return (
    <div className={`lane-error role-${isTriedAgain ? "wait" : "bad"}`}>
      <span className="grow" title={lane.last_error}>
        <b>#{id}</b>{" "}
        {isTriedAgain
          ? t("lastTry", { how: lane.last_error })
          : howItEnded(one, lane.last_error, t, language)}
      </span>
      <Link className="button small" href={`/state/${id}?tab=log`}>
        {t("openLog")}
      </Link>
      {mayRun && isMemory && more > one.memory_gb && (
        <Button size="small" title={t("rerunTitle")} onClick={() => void again()}>
          {t("rerunWith", { gb: more })}
        </Button>
      )}
    </div>
  );
}

/** In words with a known code, or else the daemon's. */
function howItEnded(
  one: Process | undefined,
  error: string,
  t: (word: "exitCode" | "asked", put: Record<string, string | number>) => string,
  language: Language,
): string {
  const reason = one?.end_reason ? END_REASONS[one.end_reason] : undefined;
  if (one === undefined || reason === undefined) return error;
  const told = say(reason, language);
  if (one.end_reason === "exit_nonzero" && one.exit_code !== null)
    return t("exitCode", { told, code: one.exit_code });
  return one.end_reason === "out_of_memory_gpu" ? t("asked", { told, gb: one.memory_gb }) : told;
}

export function LaneView({ lane, name, mayRun }: { lane: Lane; name: string | undefined; mayRun: boolean }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const told = useTold();
  const isStopped = lane.ended_at !== null && lane.skipped_tasks > 0;
  return (
    <section className="file-lane" aria-label={t("laneLabel", { id: lane.id })}>
      <div className="row">
        <span className="chip">{lane.id}</span>
        {name && (
          <b className="name cut" title={name}>
            {name}
          </b>
        )}
        <TaskStatePill state={stateOf(lane.status)} />
        {lane.memory_used_mib !== null && (
          <span className="second live">{t("memoryOf", { used: gib(lane.memory_used_mib) })}</span>
        )}
        <span className="push second lane-told">
          {told(lane)}
          {isStopped && `${t("comma")}${t("laneStopped")}`}
        </span>
      </div>
      <Progress of={lane} />
      {lane.status === "waiting" && lane.pending_detail && (
        <p className="second">{whyWaiting(lane, language)}</p>
      )}
      <ul>
        {lane.processes.map((one, i) => (
          <One key={one.index} one={one} before={lane.processes[i - 1]} />
        ))}
      </ul>
      {lane.total_tasks > lane.processes.length && (
        <p className="second">{t("moreTasks", { n: lane.total_tasks - lane.processes.length })}</p>
      )}
      <Failure lane={lane} mayRun={mayRun} />
    </section>
  );
}
