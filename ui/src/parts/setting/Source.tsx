/** Where a value comes from, what the default is, and the way back to it. */
import type { Setting } from "../../api/types";
import { useLanguage, useWords } from "../../words";
import { span } from "../../words/format";
import { Button } from "../Button";
import { unitOf } from "./Control";
import { isFixed, isInFile, isSame, type Wish, wished, written } from "./values";
import { words } from "./words";

/** A value in a few words. */
export function useShown(): (row: Setting, value: unknown) => string {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  return (row, value) => {
    if (value === null || value === undefined) return t("none");
    if (typeof value === "boolean") return t(value ? "on" : "off");
    if (Array.isArray(value) && value.length === 0) return t(row.kind === "gpus" ? "all" : "none");
    if (row.kind === "seconds") return Number(value) < LONG_S ? `${value} s` : span(Number(value), language);
    return [written(row, value), unitOf(row)].filter(Boolean).join(" ");
  };
}

const MOST = 26;
const LONG_S = 120;

interface Props {
  row: Setting;
  wish: Wish | undefined;
  isChanged: boolean;
  onWish: (wish: Wish) => void;
}

function Chip({ row, isChanged }: { row: Setting; isChanged: boolean }) {
  const t = useWords(words);
  if (isChanged) return <span className="chip role-wait tinted">{t("changed")}</span>;
  if (isInFile(row))
    return (
      <span className="chip mine" title={t("line", { line: row.source.slice(5) })}>
        config.yaml
      </span>
    );
  const variable = `GAVELQ_${row.name.toUpperCase().replace(".", "_")}`;
  if (row.source === "env")
    return (
      <span className="chip role-idle tinted" title={t("fixedEnv", { variable })}>
        {t("environment")}
      </span>
    );
  if (row.source === "flag")
    return (
      <span className="chip role-idle tinted" title={t("fixedFlag")}>
        {t("flag")}
      </span>
    );
  return <span className="chip">{t("default")}</span>;
}

/** Whether its value is the default because nobody says otherwise. */
export function isUsual({ row, isChanged }: Pick<Props, "row" | "isChanged">): boolean {
  return !isChanged && row.source === "default";
}

export function SourceChip(props: Props) {
  const { row, wish, isChanged } = props;
  const t = useWords(words);
  const mayReset = !isFixed(row) && (isChanged ? !isSame(wished(row, wish), row.default) : isInFile(row));
  return (
    <span className="row">
      {mayReset && (
        <Button
          kind="plain"
          size="small"
          icon="undo"
          onlyIcon
          title={t("reset", { name: row.name })}
          onClick={() => props.onWish({ isDefault: true })}
        >
          {t("reset", { name: row.name })}
        </Button>
      )}
      <Chip row={row} isChanged={isChanged} />
    </span>
  );
}

/** What the default is, where that fits on a line. */
export function DefaultOf({ text }: { text: string }) {
  const t = useWords(words);
  return text.length > MOST ? null : <span className="label">{t("isDefault", { value: text })}</span>;
}
