/** The look ahead of those who may not see the rules: when their own tasks start. Who may only look may not ask. */
import { useWords } from "../../words";
import { words } from "./aheadWords";
import { LookAhead } from "./LookAhead";

const NO_CHANGES = { values: {}, unset: [] };

export function OwnAhead() {
  const t = useWords(words);
  return (
    <section className="card" aria-labelledby="rules-ahead">
      <div className="cardhead">
        <h2 id="rules-ahead">{t("title")}</h2>
        <span className="second">{t("what")}</span>
      </div>
      <LookAhead sent={NO_CHANGES} inForce="" intro={t("introOwn")} />
    </section>
  );
}
