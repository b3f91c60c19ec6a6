/** A task that is held, or that has its GPUs. */
import type { TaskDetails } from "../../../api/types";
import { Button } from "../../../parts/Button";
import { useNow } from "../../../shell/Connection";
import { useRights } from "../../../store/session";
import { useChinese, useLanguage, useWords } from "../../../words";
import { gib, percent, since, span, when } from "../../../words/format";
import { useActions } from "../useActions";
import { words } from "./whyWords";

export function Held({ task, summary }: { task: TaskDetails; summary: string }) {
  const t = useWords(words);
  const chinese = useChinese();
  const actions = useActions();
  const { maySubmit } = useRights();
  return (
    <div className="why">
      <section className="verdict-box role-idle">
        <h2>{t("held")}</h2>
        <p className="second">{chinese?.text(task.hold_reason ?? summary) ?? task.hold_reason ?? summary}</p>
        <Button
          icon="play"
          refused={maySubmit ? null : t("viewer")}
          onClick={() => void actions.act("run", [task])}
        >
          {t("release")}
        </Button>
      </section>
    </div>
  );
}

function useTitle(task: TaskDetails): string {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const gpus = task.gpus.join(", ");
  const at = task.started_at === null ? "" : when(task.started_at, language);
  if (task.state === "stopping") return t("stopping");
  if (task.state === "starting") return gpus ? t("starting", { gpus }) : t("startingCpu");
  return gpus ? t("running", { gpus, at }) : t("runningCpu", { at });
}

function End({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const now = useNow();
  if (task.started_at === null) return null;
  if (task.time_limit_s === null) return <p className="second">{t("noEnd")}</p>;
  const end = Date.parse(task.started_at) + task.time_limit_s * 1000;
  const left = span(Math.max(0, (end - now) / 1000), language);
  return (
    <p className="second">
      {t("endsLatest", { at: when(new Date(end).toISOString(), language, now), left })}
    </p>
  );
}

/** What it used so far, and what it should not have. */
export function Uses({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  const chinese = useChinese();
  const peak = task.peak_memory_mib;
  const asked = task.memory_mib;
  const util = task.measured?.gpu_utilization_percent?.mean ?? null;
  return (
    <>
      {(peak !== null || util !== null) && (
        <section>
          <h3>{t("uses")}</h3>
          <dl className="facts">
            {peak !== null && (
              <div>
                <dt>{t("peak")}</dt>
                <dd className="live">
                  {asked === null
                    ? t("peakWhole", { peak: gib(peak) })
                    : t("peakOf", { peak: gib(peak), asked: gib(asked) })}
                </dd>
              </div>
            )}
            {util !== null && (
              <div>
                <dt>{t("util")}</dt>
                <dd className="live">{percent(util)}</dd>
              </div>
            )}
          </dl>
        </section>
      )}
      {task.violations.length > 0 && (
        <section>
          <h3>{t("violations")}</h3>
          <ul className="second">
            {task.violations.map((one) => (
              <li key={`${one.at} ${one.text}`}>{chinese?.text(one.text) ?? one.text}</li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

export function Running({ task, summary }: { task: TaskDetails; summary: string }) {
  const title = useTitle(task);
  // The daemon's sentence says the same where nothing is unusual.
  const chinese = useChinese();
  const told = /violation|idle|asked by/.test(summary) ? (chinese?.text(summary) ?? summary) : null;
  const isYoung = task.started_at !== null && since(task.started_at) < 0;
  return (
    <div className="why">
      <section className={`verdict-box role-${task.state === "running" ? "ok" : "move"}`}>
        <h2>{title}</h2>
        {!isYoung && <End task={task} />}
        {told && <p className="second">{told}</p>}
      </section>
      <Uses task={task} />
    </div>
  );
}
