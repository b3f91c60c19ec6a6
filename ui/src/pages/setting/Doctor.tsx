/** What does not work here, or could be better, with what helps; what is fine is folded away. */
import { Button } from "../../parts/Button";
import { Command } from "../../parts/Copy";
import { Icon } from "../../parts/Icon";
import type { Resource } from "../../store/resource";
import { useWords } from "../../words";
import { hintParts } from "./plain";
import { words } from "./words";

export interface Check {
  name: string;
  ok: boolean | null;
  level: "ok" | "warn" | "fail" | "info";
  text: string;
  hint: string | null;
}

function Finding({ check }: { check: Check }) {
  const [text, command] = hintParts(check.hint ?? "");
  const role = check.level === "fail" ? "bad" : "wait";
  return (
    <li className="finding">
      <span className={`role-${role} level`}>
        <Icon name={check.level === "fail" ? "cross" : "warning"} />
      </span>
      <div className="stack">
        <span>
          <b className="name">{check.name}</b> <span className="second">{check.text}</span>
        </span>
        {text && <span className="second">{text}</span>}
        {command && <Command text={command} />}
      </div>
    </li>
  );
}

export function Doctor({ found }: { found: Resource<Check[]> }) {
  const t = useWords(words);
  const checks = found.data ?? [];
  const wrong = checks.filter((check) => check.level === "fail");
  const better = checks.filter((check) => check.level === "warn");
  const fine = checks.filter((check) => check.level === "ok" || check.level === "info");
  const n = wrong.length + better.length;
  return (
    <section id="setting-doctor" className="card setting-group" aria-labelledby="doctor-title">
      <div className="cardhead">
        <h2 id="doctor-title">{t("doctor")}</h2>
        {found.data &&
          (n > 0 ? (
            <span className={`pill is role-${wrong.length > 0 ? "bad" : "wait"}`}>
              <Icon name="warning" />
              {t(n === 1 ? "needsYou1" : "needsYou", { n, all: checks.length })}
            </span>
          ) : (
            <span className="pill is role-ok">
              <Icon name="check" />
              {t("allFine")}
            </span>
          ))}
        <span className="push" />
        <Button onClick={found.reload}>{t("again")}</Button>
      </div>
      {found.problem && <p className="pad problem">{found.problem.message}</p>}
      <ul>
        {[...wrong, ...better].map((check) => (
          <Finding key={`${check.name} ${check.text}`} check={check} />
        ))}
      </ul>
      {fine.length > 0 && (
        <details className="fine">
          <summary>
            <span className="role-ok level">
              <Icon name="check" />
            </span>
            {t("fine", { n: fine.length })}
          </summary>
          <ul>
            {fine.map((check) => (
              <li key={`${check.name} ${check.text}`} className="second">
                <span className="name">{check.name}</span>: {check.text}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
