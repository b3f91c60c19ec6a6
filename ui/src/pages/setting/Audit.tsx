/** Who did what to the machine as a whole, newest first. */
import { Button } from "../../parts/Button";
import { Empty } from "../../parts/Empty";
import { useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import { told } from "./plain";
import { useActs } from "./useActs";
import { words } from "./words";

export function Audit() {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { acts, hasOlder, readOlder } = useActs();
  return (
    <section id="setting-audit" className="card setting-group" aria-labelledby="audit-title">
      <div className="cardhead">
        <h2 id="audit-title">{t("audit")}</h2>
      </div>
      {acts?.length === 0 && <Empty title={t("noActs")} command="gavelq audit" />}
      <ul className="setting-lines acts-list">
        {acts?.map((act) => (
          <li key={act.id}>
            <span className="quiet">{when(act.at, language)}</span>
            <span className="name">{act.by}</span>
            <span className="act-text" title={told(act)}>
              {told(act)}
            </span>
          </li>
        ))}
      </ul>
      {hasOlder && (
        <div className="pad">
          <Button size="small" onClick={() => void readOlder()}>
            {t("older")}
          </Button>
        </div>
      )}
    </section>
  );
}
