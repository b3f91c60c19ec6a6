/** Who changed which setting when, with the difference, and undoing. */
import { useState } from "react";
import { path, post } from "../../api/client";
import { Button } from "../../parts/Button";
import { Diff } from "../../parts/Diff";
import { Empty } from "../../parts/Empty";
import type { Change, SettingChange } from "../../parts/setting/useDraft";
import { act } from "../../parts/Toast";
import { useResource } from "../../store/resource";
import { useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import { words } from "./words";

const FIRST = 8;

/** A value as a line of the file. */
function asLine(name: string, value: unknown, isDefault: boolean): string {
  return isDefault ? `${name}: (default)\n` : `${name}: ${JSON.stringify(value)}\n`;
}

function useTold(): (change: SettingChange) => string {
  const t = useWords(words);
  const plain = (value: unknown, isDefault: boolean): string => {
    if (isDefault) return t("default");
    if (value === null) return t("none");
    if (typeof value === "boolean") return t(value ? "on" : "off");
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  return (change) => {
    const name = change.name.replace(/^rules\./, "");
    if (Array.isArray(change.old) && Array.isArray(change.new)) {
      const [old, now] = [change.old.map(String), change.new.map(String)];
      const added = now.filter((one) => !old.includes(one)).join(", ");
      const removed = old.filter((one) => !now.includes(one)).join(", ");
      const parts = [
        ...(added ? [t("added", { items: added })] : []),
        ...(removed ? [t("removed", { items: removed })] : []),
      ];
      if (parts.length > 0) return `${name}: ${parts.join(", ")}`;
    }
    const now = plain(change.new, change.is_default);
    if (typeof change.new === "boolean") return `${name} ${now}`;
    return t("to", { name, old: plain(change.old, change.was_default), new: now });
  };
}

function Row({ change }: { change: Change }) {
  const t = useWords(words);
  const told = useTold();
  const language = useLanguage((choice) => choice.language);
  const [isOpen, setOpen] = useState(false);
  const text = change.settings.map(told).join("; ");
  const side = (pick: "old" | "new") =>
    change.settings
      .map((one) => asLine(one.name, one[pick], pick === "old" ? one.was_default : one.is_default))
      .join("");
  const undo = () =>
    act(() => post("/api/config/undo", { number: change.number }), t("undone", { n: change.number }));
  return (
    <li>
      <div className="change">
        <span className="quiet">{when(change.at, language)}</span>
        <span className="name">{change.by}</span>
        <span className="grow change-text">
          {text || change.how}
          {change.undoes !== null && <span className="chip">{t("undoes", { n: change.undoes })}</span>}
          {change.undone_by !== null && (
            <span className="chip">{t("undoneBy", { n: change.undone_by })}</span>
          )}
        </span>
        <Button
          kind="plain"
          size="small"
          aria-expanded={isOpen}
          aria-label={`${t("showDiff")} ${change.number}`}
          onClick={() => setOpen(!isOpen)}
        >
          {t("showDiff")}
        </Button>
        <Button
          size="small"
          icon="undo"
          aria-label={`${t("undo")} ${change.number}`}
          refused={change.undone_by === null ? null : t("undoneBy", { n: change.undone_by })}
          onClick={() => void undo()}
        >
          {t("undo")}
        </Button>
      </div>
      {isOpen && <Diff before={side("old")} after={side("new")} />}
    </li>
  );
}

export function History() {
  const t = useWords(words);
  const [limit, setLimit] = useState(FIRST);
  const { data } = useResource<Change[]>(path("/api/config/history", { limit: limit + 1 }), {
    on: ["config"],
  });
  // While more of it is read, what is there stays.
  const [kept, setKept] = useState<Change[] | null>(null);
  if (data !== null && data !== kept) setKept(data);
  const changes = [...(data ?? kept ?? [])].sort((a, b) => b.number - a.number);
  return (
    <section className="card" aria-labelledby="rules-history">
      <div className="cardhead">
        <h2 id="rules-history">{t("history")}</h2>
      </div>
      {kept?.length === 0 && (
        <Empty title={t("noHistory")} command="gavelq config set rules.max_gpu 6">
          {t("noHistoryText")}
        </Empty>
      )}
      <ul className="rule-changes">
        {changes.slice(0, limit).map((change) => (
          <Row key={change.number} change={change} />
        ))}
      </ul>
      {changes.length > limit && (
        <div className="pad">
          <Button size="small" onClick={() => setLimit(limit * 3)}>
            {t("older")}
          </Button>
        </div>
      )}
    </section>
  );
}
