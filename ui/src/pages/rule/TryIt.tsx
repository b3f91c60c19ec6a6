/** What would start at this moment under the changed rules, whose reason would be another one, and what comes later. */
import { type ReactNode, useMemo } from "react";
import { TaskGlyph } from "../../parts/Glyph";
import type { Budget, Drafting, Start, Tried } from "../../parts/setting/useDraft";
import { TaskLink } from "../../parts/TaskLink";
import { useLive } from "../../store/live";
import { say, useLanguage, useWords } from "../../words";
import { PENDING_REASONS } from "../../words/reasons";
import { words as ahead } from "./aheadWords";
import { LookAhead } from "./LookAhead";
import { words } from "./words";

const MOST = 12;

interface SideProps {
  label: string;
  starts: readonly Start[];
  budget: Budget;
}

function Side({ label, starts, budget }: SideProps) {
  const t = useWords(words);
  const gpus = [...new Set(starts.flatMap((start) => start.gpus))].join(", ");
  return (
    <div>
      <div className="label">{label}</div>
      <b>{t(starts.length === 1 ? "start1" : "starts", { n: starts.length })}</b>
      <div className="second">
        {starts.length > 0 && `${gpus ? t("onGpus", { gpus }) : t("noGpus")}; `}
        {t(budget.is_limited ? "budget" : "noBudget", { used: budget.n_used, most: budget.most })}
      </div>
    </div>
  );
}

interface Fate {
  task_id: number;
  name: string;
  state: "starting" | "pending" | "stopping";
  text: ReactNode;
  /** The daemon's own words. */
  more: string;
}

function useFates(tried: Tried): Fate[] {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const tasks = useLive((live) => live.tasks);
  const called = (code: string | null) => {
    const pair = code === null ? undefined : PENDING_REASONS[code];
    return pair ? say(pair, language) : (code ?? t("startsPlain"));
  };
  const stopped = tried.preempted.map((id): Fate => {
    const name = tasks.get(id)?.name ?? "";
    return { task_id: id, name, state: "stopping", text: t("stopped"), more: "" };
  });
  const different = tried.reasons.map((one): Fate => {
    const start = tried.then.find((each) => each.task_id === one.task_id);
    const gpus = start?.gpus.join(", ") ?? "";
    const { task_id, name } = one;
    const more = [one.now, one.then].filter(Boolean).join("\n→ ");
    if (one.then_reason === null) {
      const now = gpus ? t("startsNow", { gpus }) : t("startsPlain");
      return {
        task_id,
        name,
        state: "starting",
        text: `${now}; ${t("was", { reason: called(one.now_reason) })}`,
        more,
      };
    }
    if (one.now_reason === null)
      return { task_id, name, state: "pending", text: t("waits", { reason: called(one.then_reason) }), more };
    const text = t("differs", { now: called(one.now_reason), after: called(one.then_reason) });
    return { task_id, name, state: "pending", text, more };
  });
  return [...stopped, ...different];
}

function Fates({ tried }: { tried: Tried }) {
  const t = useWords(words);
  const fates = useFates(tried);
  if (fates.length === 0) return <p className="pad second">{t("same")}</p>;
  return (
    <ul className="fates">
      {fates.slice(0, MOST).map((fate) => (
        <li key={fate.task_id} title={fate.more}>
          <TaskGlyph state={fate.state} />
          <TaskLink id={fate.task_id} />
          <span className="cut">{fate.name}</span>
          <span className="second push">{fate.text}</span>
        </li>
      ))}
      {fates.length > MOST && <li className="second">{t("more", { n: fates.length - MOST })}</li>}
    </ul>
  );
}

export function TryIt({ drafting }: { drafting: Drafting }) {
  const t = useWords(words);
  const later = useWords(ahead);
  const { tried, names, isValid, isJudged, rows, sent } = drafting;
  const inForce = useMemo(() => JSON.stringify(rows.map((row) => [row.name, row.value])), [rows]);
  return (
    <section className="card" aria-labelledby="rules-try">
      <div className="cardhead">
        <h2 id="rules-try">{t("tryIt")}</h2>
        <span className="second">{t("what")}</span>
      </div>
      {tried && (
        <div className="sides" data-judged={isJudged}>
          <Side label={t("inForce")} starts={tried.now} budget={tried.budget.now} />
          <Side label={t("changed")} starts={tried.then} budget={tried.budget.then} />
        </div>
      )}
      {tried &&
        isValid &&
        (names.length === 0 ? <p className="pad second">{t("unchanged")}</p> : <Fates tried={tried} />)}
      <section className="ahead" aria-labelledby="rules-ahead">
        <div className="ahead-head">
          <h3 id="rules-ahead">{later("title")}</h3>
          <span className="second">{later("what")}</span>
        </div>
        <LookAhead sent={sent} inForce={inForce} isRefused={!isValid} intro={later("intro")} />
      </section>
    </section>
  );
}
