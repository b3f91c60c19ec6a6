/** How a task ended, what tells so, and what to do now. */
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { path, send } from "../../../api/client";
import type { TaskDetails } from "../../../api/types";
import { Button } from "../../../parts/Button";
import { useRights } from "../../../store/session";
import { say, useChinese, useLanguage, useWords } from "../../../words";
import { END_REASONS } from "../../../words/reasons";
import { TASK_STATES } from "../../../words/states";
import { ChangeDialog } from "../newtask/ChangeDialog";
import type { Draft } from "../newtask/draft";
import { durationText } from "../queueOptions";
import { plainLines } from "./log/lines";
import { Uses } from "./Running";
import { ADVICE, words } from "./whyWords";

const LAST = 12;

/** The end of the log of a task that has ended; null: not read yet, empty: there is none. */
function useTail(task: TaskDetails): string[] | null {
  const [lines, setLines] = useState<string[] | null>(null);
  const hasRun = task.started_at !== null;
  useEffect(() => {
    if (!hasRun) return;
    const abort = new AbortController();
    // A place behind the end is answered with the end, also where there is no log to take lines from.
    send("GET", path(`/api/tasks/${task.id}/logs`, { tail: LAST }), { signal: abort.signal })
      .then((reply) => reply.text())
      .then(
        (text) => setLines(plainLines(text)),
        () => setLines([]),
      );
    return () => abort.abort();
  }, [task.id, hasRun]);
  return hasRun ? lines : [];
}

/** What an end proposes to run again with. */
function proposalOf(
  task: TaskDetails,
): { draft: Partial<Draft>; word: "againMemory" | "againTime"; put: string } | null {
  if (task.end_reason === "out_of_memory_gpu" && task.memory_mib !== null) {
    const mem = String(Math.ceil((task.memory_mib * 1.5) / 1024));
    return { draft: { memory: mem }, word: "againMemory", put: mem };
  }
  if (task.end_reason === "time_limit" && task.time_limit_s !== null) {
    const time = durationText(Math.ceil(task.time_limit_s * 2));
    return { draft: { time_limit: time }, word: "againTime", put: time };
  }
  return null;
}

interface EvidenceProps {
  task: TaskDetails;
  told: string;
  lines: string[] | null;
  onLog: () => void;
}

function Evidence({ task, told, lines, onLog }: EvidenceProps) {
  const t = useWords(words);
  const facts = [
    [t("reason"), task.end_reason],
    [t("exit"), task.exit_code],
    [t("signal"), task.signal],
    [t("detail"), told.includes(task.end_detail ?? "") ? null : task.end_detail],
  ] as const;
  return (
    <section>
      <h3>{t("evidence")}</h3>
      <dl className="facts">
        {facts
          .filter(([, value]) => value !== null && value !== "")
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="mono">{value}</dd>
            </div>
          ))}
      </dl>
      {lines !== null && lines.length > 0 && (
        <>
          <p className="label">{t("lastLines")}</p>
          <pre className="tail">{lines.join("\n")}</pre>
        </>
      )}
      {lines?.length === 0 && <p className="second">{t("noLog")}</p>}
      {lines !== null && lines.length > 0 && (
        <div className="row">
          <Button size="small" onClick={onLog}>
            {t("openLog")}
          </Button>
        </div>
      )}
    </section>
  );
}

export function Ended({ task, summary, onLog }: { task: TaskDetails; summary: string; onLog: () => void }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const [, go] = useLocation();
  const { maySubmit } = useRights();
  const [asked, setAsked] = useState<Partial<Draft> | null>(null);
  const lines = useTail(task);
  const advice = ADVICE[task.end_reason ?? ""];
  const proposal = proposalOf(task);
  const refused = maySubmit ? null : t("viewer");
  const reason = END_REASONS[task.end_reason ?? ""];
  const state = TASK_STATES[task.state];
  const chinese = useChinese();
  const { exit_code: exitCode, signal, end_detail: detail } = task;
  const told = chinese?.end(task.end_reason ?? "", { exitCode, signal, detail: detail ?? "" });
  const how =
    task.end_reason === "exit_nonzero" ? `${t("exit")} ${task.exit_code}` : reason && say(reason, language);
  return (
    <div className="why">
      <section className={`verdict-box role-${state.role}`}>
        <h2>
          {say(state.words, language)}
          {task.end_reason !== "exit_zero" && how && `${language === "zh" ? "：" : ": "}${how}`}
        </h2>
        <p className="second">{told ?? summary.replace(/^task (\d+)/, "#$1")}</p>
      </section>
      {advice && (
        <section>
          <h3>{t("todo")}</h3>
          <p className="second">{say(advice, language)}</p>
          {!task.is_lease && (
            <div className="row wrap">
              {proposal && (
                <Button
                  size="small"
                  kind="primary"
                  refused={refused}
                  onClick={() => setAsked(proposal.draft)}
                >
                  {t(proposal.word, { mem: proposal.put, time: proposal.put })}
                </Button>
              )}
              <Button size="small" refused={refused} onClick={() => setAsked({})}>
                {t("again")}
              </Button>
            </div>
          )}
        </section>
      )}
      <Evidence task={task} told={summary} lines={lines} onLog={onLog} />
      <Uses task={task} />
      {asked && (
        <ChangeDialog
          task={task}
          kind="rerun"
          proposed={asked}
          onClose={() => setAsked(null)}
          onDone={(made) => go(`/state/${made.id}${window.location.search}`)}
        />
      )}
    </div>
  );
}
