/** Below the list: nothing found and what fills it, or older tasks that are being read. */
import { Button } from "../../parts/Button";
import { Empty } from "../../parts/Empty";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import type { Older } from "./useOlder";
import { words } from "./words";

interface Props {
  isEmpty: boolean;
  /** Neither a filter nor a segment leaves anything out. */
  isPlain: boolean;
  /** null: no older tasks are looked for. */
  older: Older | null;
  onClear: () => void;
}

export function ListFoot({ isEmpty, isPlain, older, onClear }: Props) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { maySubmit } = useRights();
  const isOver = older === null || older.isDone || older.pausedAt !== null;
  return (
    <div className="list-foot second" role="status">
      {isEmpty && isOver && isPlain && (
        <Empty title={t("empty")} {...(maySubmit ? { command: 'gavelq submit "python train.py"' } : {})}>
          {t(maySubmit ? "emptyHint" : "emptyViewer")}
        </Empty>
      )}
      {isEmpty && isOver && !isPlain && (
        <div className="empty">
          <h3>{t("noMatch")}</h3>
          <Button onClick={onClear}>{t("clear")}</Button>
        </div>
      )}
      {older !== null && older.pausedAt !== null && (
        <Button kind="plain" size="small" onClick={older.insist}>
          {t("older", { at: when(older.pausedAt, language) })}
        </Button>
      )}
      {older?.isBusy && t("reading")}
    </div>
  );
}
