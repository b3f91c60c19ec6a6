/** What would come of the task that is being written. */
import { Icon } from "../../../parts/Icon";
import { useLanguage, useWords } from "../../../words";
import { when } from "../../../words/format";
import { refusalOf } from "./problems";
import type { Trial } from "./useTrial";
import { words } from "./words";

export function Verdict({ trial, nTasks }: { trial: Trial; nTasks: number }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { answer, problem } = trial;
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
            {!isNow && (
              <p className="second">{answer.summary.replace(/^it would (?:wait \(\w+\)|be held): /, "")}</p>
            )}
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
