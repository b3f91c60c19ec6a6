/** What was used, in figures: the numbers that people ask for first. */
import type { ReactNode } from "react";
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

export function Figures({ report, nGpus }: { report: Report; nGpus: number }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { total, from, to } = report;
  const possible = (nGpus * (new Date(to).getTime() - new Date(from).getTime())) / 3600e3;
  const time = (seconds: number | null) => (seconds === null ? "–" : span(seconds, language));
  const idlePart = total.gpu_hours > 0 ? (100 * (total.idle_gpu_hours ?? 0)) / total.gpu_hours : null;
  const others = total.n_cancelled + total.n_aborted;
  return (
    <section className="card figures" aria-label={t("title")}>
      <Figure label={t("gpuHours")} value={round(total.gpu_hours)} more={t("of", { n: round(possible) })} />
      <Figure label={t("efficiency")} value={percent(total.efficiency_percent)} />
      <Figure
        label={t("wait")}
        value={time(total.wait_p50_s)}
        more={t("under", { time: time(total.wait_p95_s) })}
      />
      <Figure
        label={t("idle")}
        value={total.idle_gpu_hours === null ? "–" : `${round(total.idle_gpu_hours)} h`}
        more={idlePart === null ? "" : percent(idlePart)}
      />
      <Figure
        label={t("foreign")}
        value={total.foreign_gpu_hours === null ? "–" : `${round(total.foreign_gpu_hours)} h`}
      />
      <Figure
        label={t("ended")}
        value={total.n_ended}
        more={t("ends", { ok: total.n_completed, failed: total.n_failed, other: others })}
      />
    </section>
  );
}
