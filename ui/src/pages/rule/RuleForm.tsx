/** All rules in groups, and the bar that saves them. */
import type { Setting } from "../../api/types";
import { SaveBar } from "../../parts/setting/SaveBar";
import type { Drafting } from "../../parts/setting/useDraft";
import { words as common } from "../../parts/setting/words";
import { say, useLanguage, useWords } from "../../words";
import { RuleRow } from "./RuleRow";
import { GROUPS, others } from "./rules";
import type { Group } from "./shapes";
import { words } from "./words";

/** The groups, and one for rules that none of them names. */
function groupsOf(rows: readonly Setting[]): readonly Group[] {
  const rest = others(rows.map((row) => row.name));
  if (rest.length === 0) return GROUPS;
  const rules = rest.map((name) => {
    const help = rows.find((row) => row.name === name)?.help ?? "";
    return { keys: [name], name: [name, name] as const, meaning: [help, help] as const };
  });
  return [...GROUPS, { id: "others", title: words.others, hint: words.othersHint, rules }];
}

export function RuleForm({ drafting }: { drafting: Drafting }) {
  const t = useWords({ ...words, ...common });
  const language = useLanguage((choice) => choice.language);
  const { rows, names, tried, isJudged } = drafting;
  const byName = new Map(rows.map((row) => [row.name, row]));
  const groups = groupsOf(rows);
  const stopped = isJudged && names.length > 0 ? (tried?.preempted ?? []) : [];
  const jump = (id: string) => document.getElementById(`rules-${id}`)?.scrollIntoView({ block: "start" });
  return (
    <section className="card rules" aria-labelledby="rules-title">
      <div className="cardhead">
        <h2 id="rules-title">{t("title")}</h2>
        {names.length > 0 && (
          <span className="chip role-wait tinted">
            {t(names.length === 1 ? "change1" : "changes", { n: names.length })}
          </span>
        )}
        <span className="push" />
        <select
          className="select"
          aria-label={t("jump")}
          value=""
          onChange={(event) => jump(event.target.value)}
        >
          <option value="" disabled>
            {t("jump")}
          </option>
          {groups.map((group) => (
            <option key={group.id} value={group.id}>
              {say(group.title, language)}
            </option>
          ))}
        </select>
      </div>
      {groups.map((group) => (
        <section key={group.id} id={`rules-${group.id}`} className="rule-group">
          <div className="rule-head">
            <h3>{say(group.title, language)}</h3>
            <span className="second">{say(group.hint, language)}</span>
          </div>
          {group.rules.map((rule) => {
            const own = rule.keys.flatMap((key) => byName.get(key) ?? []);
            return own.length === 0 ? null : (
              <RuleRow key={rule.keys[0]} rule={rule} rows={own} drafting={drafting} />
            );
          })}
        </section>
      ))}
      <SaveBar drafting={drafting}>
        {stopped.length > 0
          ? t("stops", { tasks: stopped.map((task) => `#${task}`).join(", ") })
          : t("effect")}
      </SaveBar>
    </section>
  );
}
