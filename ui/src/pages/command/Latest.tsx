/** What happened last in a run: who started where, who ended how. */
import { Link } from "wouter";
import { TaskGlyph } from "../../parts/Glyph";
import { say, useLanguage, useWords } from "../../words";
import { span, when } from "../../words/format";
import { END_REASONS } from "../../words/reasons";
import type { Run } from "./files";
import { type Step, stepsOf } from "./placing";
import { words } from "./words";

function useSaid(): (step: Step) => string {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  return (step) => {
    if (step.how === "started")
      return step.gpus.length > 0 ? t("startedOn", { gpus: step.gpus.join(", ") }) : t("startedNoGpu");
    if (step.how === "completed") return t("completedAfter", { time: span(step.seconds ?? 0, language) });
    const reason = step.reason ? END_REASONS[step.reason] : undefined;
    return reason ? say(reason, language) : (step.reason ?? step.how);
  };
}

export function Latest({ run }: { run: Run }) {
  const t = useWords(words);
  const said = useSaid();
  const language = useLanguage((choice) => choice.language);
  const steps = stepsOf(run);
  if (steps.length === 0) return null;
  return (
    <section className="file-lane" aria-label={t("latest")}>
      <h3>{t("latest")}</h3>
      <ul>
        {steps.map((step) => (
          <li key={`${step.task}-${step.how}`} className="step">
            <span className="second num">{when(step.at, language)}</span>
            <TaskGlyph state={step.how === "started" ? "running" : step.how} />
            <Link href={`/state/${step.task}`}>{step.task}</Link>
            <span className="mono cut" title={step.command}>
              {step.command}
            </span>
            <span className="second">{said(step)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
