/** What was used, in figures: the numbers that people ask for first. */
import type { ReactNode } from "react";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { percent, span } from "../../words/format";
import type { Report } from "./usage";
import { words } from "./words";

function Figure({ label, value, more }: { label: string; value: ReactNode; more?: ReactNode }) {
  return (
    <div>
      <div className="label">{label}</div>
      <b>{value}</b>
      <span className="second">{more}</span>
    </div>
  );
}

export function round(hours: number): string {
  return hours >= 100 ? Math.round(hours).toLocaleString("en") : hours.toFixed(1).replace(/\.0$/, "");
}

/** The GPU-hours that so many cards have in a report's time. */
export function possible({ from, to }: Report, nGpus: number): number {
  return (nGpus * (Date.parse(to) - Date.parse(from))) / 3600e3;
}

export function Figures({ report, nGpus }: { report: Report; nGpus: number }) {
  const t = useWords(words);
  const { isAdmin } = useRights();
  const language = useLanguage((choice) => choice.language);
  const { total } = report;
  const time = (seconds: number | null) => (seconds === null ? "–" : span(seconds, language));
  const idlePart = total.gpu_hours > 0 ? (100 * (total.idle_gpu_hours ?? 0)) / total.gpu_hours : null;
  const others = (total.n_cancelled ?? 0) + (total.n_aborted ?? 0);
  return (
    <section className="card figures" aria-label={t("title")}>
      <Figure
        label={t("gpuHours")}
        value={round(total.gpu_hours)}
        more={t("of", { n: round(possible(report, nGpus)) })}
      />
      <Figure label={t("efficiency")} value={percent(total.efficiency_percent)} />
      <Figure
        label={t("wait")}
        value={time(total.wait_p50_s)}
        more={total.wait_p95_s === null ? "" : t("under", { time: time(total.wait_p95_s) })}
      />
      <Figure
        label={t("idle")}
        value={total.idle_gpu_hours === null ? "–" : `${round(total.idle_gpu_hours)} h`}
        more={idlePart === null ? "" : percent(idlePart)}
      />
      {isAdmin && (
        <Figure
          label={t("foreign")}
          value={total.foreign_gpu_hours === null ? "–" : `${round(total.foreign_gpu_hours)} h`}
        />
      )}
      <Figure
        label={t("ended")}
        value={total.n_ended}
        more={t("ends", { ok: total.n_completed ?? 0, failed: total.n_failed ?? 0, other: others })}
      />
    </section>
  );
}
