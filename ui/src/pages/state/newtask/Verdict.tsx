/** What would come of the task that is being written. */
import type { DryRun } from "../../../api/types";
import { Icon } from "../../../parts/Icon";
import { useChinese, useLanguage, useWords } from "../../../words";
import { when } from "../../../words/format";
import { refusalOf } from "./problems";
import type { Trial } from "./useTrial";
import { words } from "./words";

/** Why it would wait: the daemon's sentence without its beginning, or that of the first gate that is closed. */
function useWhy(answer: DryRun | null): string {
  const chinese = useChinese();
  if (answer === null) return "";
  const closed = answer.gates.find((gate) => !gate.passed);
  const told = closed && chinese?.wait(closed.gate, closed.details);
  return told ?? answer.summary.replace(/^it would (?:wait \(\w+\)|be held): /, "");
}

export function Verdict({ trial, nTasks }: { trial: Trial; nTasks: number }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { answer, problem } = trial;
  const why = useWhy(answer);
  const refused = problem && (
    <div className="verdict role-bad">
      <Icon name="cross" />
      <div>
        <h3>{t("refused")}</h3>
        {refusalOf(problem).lines.map((line) => (
          <p key={line} className="second">
            {line}
          </p>
        ))}
      </div>
    </div>
  );
  const at = answer?.expected_start_at;
  const title = () => {
    if (answer === null) return "";
    if (answer.starts_now)
      return answer.gpus.length ? t("starts", { gpus: answer.gpus.join(", ") }) : t("startsCpu");
    if (answer.task.state === "held") return t("held");
    return at ? t("startsAt", { at: when(at, language) }) : t("startsUnknown");
  };
  const isNow = answer?.starts_now ?? false;
  return (
    <div role="status" aria-label={t("title")}>
      {refused}
      {answer === null && problem === null && <p className="second verdict-none">{t("wait")}</p>}
      {answer && (
        <div className={`verdict role-${isNow ? "ok" : "accent"}`}>
          <Icon name={isNow ? "check" : "clock"} />
          <div>
            <h3>{title()}</h3>
            {!isNow && <p className="second">{why}</p>}
            <p className="second">
              {!isNow && answer.position !== null && `${t("place", { n: answer.position })} `}
              {nTasks > 1 && t("ofEach", { n: nTasks })}
            </p>
          </div>
        </div>
      )}
    </div>
  );
}
