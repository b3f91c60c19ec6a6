/** Who did what to the machine as a whole, newest first. */
import { useState } from "react";
import { path } from "../../api/client";
import { Button } from "../../parts/Button";
import { Empty } from "../../parts/Empty";
import { useResource } from "../../store/resource";
import { useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import { type Act, told } from "./plain";
import { words } from "./words";

const FIRST = 12;
const MOST = 5000;
const KINDS = ["tenant", "token", "queue", "gpu", "config", "daemon", "alert"];

export function Audit() {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const [limit, setLimit] = useState(FIRST);
  const { data } = useResource<Act[]>(path("/api/audit", { limit: limit + 1 }), { on: KINDS });
  // While more of it is read, what is there stays.
  const [kept, setKept] = useState<Act[] | null>(null);
  if (data !== null && data !== kept) setKept(data);
  const acts = [...(data ?? kept ?? [])].reverse();
  return (
    <section id="setting-audit" className="card setting-group" aria-labelledby="audit-title">
      <div className="cardhead">
        <h2 id="audit-title">{t("audit")}</h2>
      </div>
      {kept?.length === 0 && <Empty title={t("noActs")} command="gavelq audit" />}
      <ul className="setting-lines acts-list">
        {acts.slice(0, limit).map((act, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: several acts may have one time
          <li key={`${act.at} ${i}`}>
            <span className="quiet">{when(act.at, language)}</span>
            <span className="name">{act.by}</span>
            <span className="act-text" title={told(act)}>
              {told(act)}
            </span>
          </li>
        ))}
      </ul>
      {acts.length > limit && limit < MOST && (
        <div className="pad">
          <Button size="small" onClick={() => setLimit(limit * 4)}>
            {t("older")}
          </Button>
        </div>
      )}
    </section>
  );
}
