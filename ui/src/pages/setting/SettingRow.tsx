/** One setting: name, restart mark, what it does, its control, where the value comes from. */
import { useId } from "react";
import type { Setting } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { Control } from "../../parts/setting/Control";
import { DefaultOf, SourceChip, useShown } from "../../parts/setting/Source";
import type { Drafting } from "../../parts/setting/useDraft";
import { wished } from "../../parts/setting/values";
import { useLanguage, useWords } from "../../words";
import { isRemote } from "./groups";
import { HELP } from "./help";
import { words } from "./words";

function Warning({ text }: { text: string }) {
  return (
    <span className="warning">
      <Icon name="warning" />
      {text}
    </span>
  );
}

/** What a setting does, in the page's language. */
export function useHelp(): (row: Setting) => string {
  const language = useLanguage((choice) => choice.language);
  return (row) => ((language === "zh" ? HELP[row.name] : null) ?? row.help).replaceAll("`", "");
}

export function SettingRow(props: {
  row: Setting;
  drafting: Drafting;
  /** What keeps the file's value from counting. */
  warning: string | null;
  hasTls: boolean;
}) {
  const { row, drafting, warning, hasTls } = props;
  const t = useWords(words);
  const help = useHelp();
  const shown = useShown();
  const id = useId();
  const wish = drafting.draft[row.name];
  const isChanged = drafting.names.includes(row.name);
  const problem = drafting.mistakes[row.name];
  const change = (next: Parameters<typeof drafting.wish>[1]) => drafting.wish(row.name, next);
  return (
    <div className={`setting ${isChanged ? "changed-row" : ""}`} data-setting={row.name}>
      <div className="setting-text">
        <span className="row wrap">
          <code>{row.name}</code>
          {row.needs_restart && <span className="chip role-move tinted">{t("restart")}</span>}
        </span>
        <span className="second">{help(row)}</span>
        {warning && <Warning text={warning} />}
        {row.name === "http.listen" && isRemote(wished(row, wish)) && (
          <Warning text={t(hasTls ? "remoteTls" : "remote")} />
        )}
        {problem && (
          <span id={id} className="problem" role="alert">
            {problem}
          </span>
        )}
      </div>
      <div className="setting-control">
        <Control row={row} wish={wish} onWish={change} label={row.name} problem={problem} problemId={id} />
      </div>
      <div className="source">
        <SourceChip row={row} wish={wish} isChanged={isChanged} onWish={change} />
        {(isChanged || row.source !== "default") && <DefaultOf text={shown(row, row.default)} />}
      </div>
    </div>
  );
}
