/** What a person chose for this browser: language, colours, single keys. */
import { Segments } from "../../parts/Button";
import { Switch } from "../../parts/setting/Switch";
import { useChoices } from "../../store/settings";
import { useLanguage, useWords } from "../../words";
import { words } from "./words";

export function Browser() {
  const t = useWords(words);
  const { language, choose } = useLanguage();
  const { theme, chooseTheme, hasKeys, switchKeys } = useChoices();
  return (
    <section id="setting-browser" className="card setting-group" aria-labelledby="browser-title">
      <div className="cardhead">
        <h2 id="browser-title">{t("browser")}</h2>
        <span className="second">{t("browserOnly")}</span>
      </div>
      <div className="own">
        <span>{t("language")}</span>
        <Segments
          label={t("language")}
          value={language}
          options={[
            ["en", "English"],
            ["zh", "中文"],
          ]}
          onChange={choose}
        />
        <span>{t("colours")}</span>
        <Segments
          label={t("colours")}
          value={theme}
          options={[
            ["system", t("system")],
            ["light", t("light")],
            ["dark", t("dark")],
          ]}
          onChange={chooseTheme}
        />
        <span>
          {t("keys")}
          <br />
          <span className="second">{t("keysText")}</span>
        </span>
        <Switch label={t("keys")} isOn={hasKeys} onChange={switchKeys} />
      </div>
    </section>
  );
}
