/** The plan: a row for each GPU, what was, what is, and what is reserved or expected. */
import { type CSSProperties, useMemo } from "react";
import { Link } from "wouter";
import type { Gpu, Row } from "../../api/types";
import { Segments } from "../../parts/Button";
import { clockText, ticks } from "../../parts/history/ticks";
import { taskPath } from "../../parts/TaskLink";
import { useNow } from "../../shell/Connection";
import { useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import { type Bar, barsOf, type PlanAnswer, windowOf } from "./plan";
import { words } from "./words";
import "./plan.css";

export const HOURS = ["1", "6", "24"] as const;
export type Hours = (typeof HOURS)[number];

type Span = readonly [number, number];

function part(at: number, [from, to]: Span): number {
  return (100 * (Math.min(to, Math.max(from, at)) - from)) / (to - from);
}

function useHint() {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  return (bar: Bar): string => {
    const at = (ms: number) => when(new Date(ms).toISOString(), language);
    const put = { text: bar.text, from: at(bar.from), to: bar.to === null ? "" : at(bar.to) };
    if (bar.kind === "past") return t("barPast", put);
    if (bar.kind === "reserved") return t("barReserved", put);
    if (bar.kind === "expected") return t("barExpected", put);
    return t(bar.to === null ? "barEndless" : "barRunning", put);
  };
}

function PlanBar({ bar, span, now }: { bar: Bar; span: Span; now: number }) {
  const t = useWords(words);
  const hint = useHint();
  const left = part(bar.from, span);
  const right = part(bar.to ?? span[1], span);
  const isNow = bar.kind === "running" || bar.kind === "foreign";
  const solid = isNow ? part(now, span) - left : 0;
  const isShort = isNow && solid < 9;
  const style = { left: `${left}%`, width: `max(3px, ${right - left}%)` };
  const inside = (
    <>
      {isNow && (
        <span
          className={`plan-solid fill-${bar.fill}`}
          style={{ width: `${(100 * solid) / Math.max(0.01, right - left)}%` }}
        />
      )}
      <span
        className={`plan-text cut ${isShort ? "on-pale" : ""}`}
        style={isShort ? { marginLeft: `${(100 * solid) / Math.max(0.01, right - left)}%` } : {}}
      >
        {bar.text}
      </span>
      {bar.kind === "foreign" && bar.to === null && !isShort && (
        <span className="plan-text plan-unknown" style={{ left: `${(100 * solid) / (right - left)}%` }}>
          {t("endUnknown")}
        </span>
      )}
    </>
  );
  const classes = `plan-bar plan-${bar.kind} of-${bar.fill} ${bar.to === null ? "endless" : ""}`;
  const [id] = bar.ids;
  return (
    <li style={style}>
      {id === undefined ? (
        <span className={classes} title={hint(bar)}>
          {inside}
        </span>
      ) : (
        <Link href={taskPath(id)} className={classes} title={hint(bar)}>
          {inside}
        </Link>
      )}
    </li>
  );
}

function PlanRow(props: { gpu: Gpu; bars: readonly Bar[]; span: Span; now: number }) {
  const { gpu, bars, span, now } = props;
  const t = useWords(words);
  const shown = bars.filter((bar) => bar.from < span[1] && (bar.to ?? span[1]) > span[0]);
  const off = { ignored: "isIgnored", draining: "isDraining", lost: "isLost" } as const;
  const word = off[gpu.state as keyof typeof off];
  return (
    <div className="plan-row">
      <span className="plan-index">{gpu.index}</span>
      <ul aria-label={t("rowLabel", { n: gpu.index })}>
        {word !== undefined && (
          <li style={{ left: 0, width: "100%" }}>
            <span className="plan-bar plan-off">
              <span className="plan-text cut">{shown.length === 0 ? t(word) : ""}</span>
            </span>
          </li>
        )}
        {shown.map((bar) => (
          <PlanBar key={`${bar.kind} ${bar.ids} ${bar.from}`} bar={bar} span={span} now={now} />
        ))}
      </ul>
    </div>
  );
}

export function Plan(props: {
  gpus: readonly Gpu[];
  answer: PlanAnswer | null;
  ended: readonly Row[];
  me: string;
  hours: Hours;
  onHours: (hours: Hours) => void;
}) {
  const { gpus, answer, ended, me, hours } = props;
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const now = useNow(30_000);
  const span = useMemo(() => windowOf(now, Number(hours)), [now, hours]);
  const rows = useMemo(() => {
    const plans = new Map(answer?.gpus.map((one) => [one.uuid, one]));
    return gpus.map((gpu) => ({ gpu, bars: barsOf(gpu, plans.get(gpu.uuid), ended, me, span[0]) }));
  }, [gpus, answer, ended, me, span]);
  const here = part(now, span);
  return (
    <section className="card plan" aria-label={t("plan")}>
      <div className="row plan-head">
        <h2>{t("plan")}</h2>
        <span className="second quiet cut grow">{t("planHint")}</span>
        <Segments
          label={t("planSpan")}
          value={hours}
          options={HOURS.map((one) => [one, t("hours", { n: one })] as const)}
          onChange={props.onHours}
        />
      </div>
      <div className="plan-body" style={{ "--n-rows": gpus.length } as CSSProperties}>
        <div className="plan-axis" aria-hidden="true">
          {ticks(span[0], span[1], 8, language).map((tick) => {
            const at = part(tick.at, span);
            return (
              <span key={tick.at} style={{ left: `${at}%` }}>
                <i />
                {Math.abs(at - here) > 4 && at < 98 && tick.text}
              </span>
            );
          })}
          <span className="plan-now" style={{ left: `${here}%` }}>
            <i />
            <b>{clockText(now)}</b>
          </span>
        </div>
        {rows.map(({ gpu, bars }) => (
          <PlanRow key={gpu.uuid} gpu={gpu} bars={bars} span={span} now={now} />
        ))}
      </div>
    </section>
  );
}
