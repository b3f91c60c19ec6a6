/** Why tasks wait now: the hours that they have waited so far, by their present reason. */
import { useMemo } from "react";
import { Empty } from "../../parts/Empty";
import { useNow } from "../../shell/Connection";
import { useLive } from "../../store/live";
import { say, useLanguage, useWords } from "../../words";
import { percent, since } from "../../words/format";
import { PENDING_REASONS } from "../../words/reasons";
import { round } from "./Figures";
import { words } from "./words";

const MOST = 6;

export function Reasons() {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const tasks = useLive((live) => live.tasks);
  const minute = Math.floor(useNow(60_000) / 60_000) * 60_000;
  const found = useMemo(() => {
    const hours = new Map<string, number>();
    for (const task of tasks.values()) {
      if (task.state !== "pending") continue;
      const reason = task.pending_reason ?? "";
      const waited = Math.max(0.01, since(task.submitted_at, minute) / 3600);
      hours.set(reason, (hours.get(reason) ?? 0) + waited);
    }
    return [...hours].sort((a, b) => b[1] - a[1]).slice(0, MOST);
  }, [tasks, minute]);
  const called = (reason: string) => {
    const pair = PENDING_REASONS[reason];
    return pair === undefined ? reason : say(pair, language);
  };
  const all = found.reduce((sum, [, hours]) => sum + hours, 0);
  return (
    <section className="card">
      <div className="usage-head">
        <h2>{t("why")}</h2>
        {all > 0 && <span className="second">{t("share", { h: round(all) })}</span>}
      </div>
      {found.length === 0 ? (
        <Empty title={t("nobody")}>{t("nobodyText")}</Empty>
      ) : (
        <ul className="reasons">
          {found.map(([reason, hours]) => (
            <li key={reason}>
              <div className="row">
                <span>{called(reason)}</span>
                <span className="second">{percent((100 * hours) / all)}</span>
              </div>
              <span className="meter">
                <span
                  className={reason.includes("foreign") ? "fill-foreign" : "fill-mine"}
                  style={{ width: `${(100 * hours) / all}%` }}
                />
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
