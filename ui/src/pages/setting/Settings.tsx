/** All settings in groups, those that somebody looks for, and the bar that saves changes. */
import { useRef, useState } from "react";
import { Link } from "wouter";
import type { Setting } from "../../api/types";
import { Empty } from "../../parts/Empty";
import { Icon } from "../../parts/Icon";
import { SaveBar } from "../../parts/setting/SaveBar";
import type { Drafting } from "../../parts/setting/useDraft";
import { useKeys } from "../../shell/keys";
import { useResource } from "../../store/resource";
import { say, useLanguage, useWords } from "../../words";
import { GROUPS, groupOf, isFound, OTHERS } from "./groups";
import { SettingRow, useHelp } from "./SettingRow";
import { words } from "./words";

function Search({ asked, onAsk }: { asked: string; onAsk: (asked: string) => void }) {
  const t = useWords(words);
  const field = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => field.current?.focus() });
  return (
    <span className="find push">
      <Icon name="search" />
      <input
        ref={field}
        className="input"
        type="search"
        placeholder={t("find")}
        aria-label={t("find")}
        maxLength={100}
        value={asked}
        onChange={(event) => onAsk(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && onAsk("")}
      />
    </span>
  );
}

export function Settings({ drafting }: { drafting: Drafting }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const help = useHelp();
  const [asked, setAsked] = useState("");
  const told = useResource<Record<string, { warning: string | null }>>("/api/settings", {
    on: ["config", "daemon"],
  });
  const { rows, names } = drafting;
  const found = rows.filter((row) => isFound(row, help(row), asked));
  const groups = [...GROUPS, OTHERS].flatMap((group) => {
    const own = found.filter((row) => groupOf(row.name) === group);
    return own.length > 0 ? [{ group, own }] : [];
  });
  const hasTls = rows.some((row) => row.name === "http.tls_cert" && row.value !== null);
  const warning = (row: Setting) =>
    row.source === "env" || row.source === "flag" ? null : (told.data?.[row.name]?.warning ?? null);
  return (
    <div className="settings">
      {groups.map(({ group, own }, i) => (
        <section key={group.id} id={`setting-${group.id}`} className="card setting-group">
          <div className="cardhead">
            <h2>{say(group.title, language)}</h2>
            {i === 0 && <Search asked={asked} onAsk={setAsked} />}
          </div>
          {own.map((row) => (
            <SettingRow key={row.name} row={row} drafting={drafting} warning={warning(row)} hasTls={hasTls} />
          ))}
          {group.id === "network" && asked === "" && (
            <p className="setting-more second">
              {t("tokens")} <Link href="/usage">{t("tokensLink")}</Link>
            </p>
          )}
        </section>
      ))}
      {groups.length === 0 && (
        <section className="card setting-group">
          <div className="cardhead">
            <h2>{t("title")}</h2>
            <Search asked={asked} onAsk={setAsked} />
          </div>
          <Empty title={t("notFound")} command="gavelq config show" />
        </section>
      )}
      {asked === "" && (
        <p className="second">
          {t("rules")} <Link href="/rule">{t("rulesLink")}</Link>
        </p>
      )}
      {names.length > 0 && (
        <div className="card setting-bar">
          <SaveBar drafting={drafting}>{t("effect")}</SaveBar>
        </div>
      )}
    </div>
  );
}
