// biome-ignore-all lint/a11y/useSemanticElements: only rows in view are drawn, which no table element allows
// biome-ignore-all lint/a11y/useFocusableInteractive: the row has the focus, as in the ARIA pattern of a grid
/** The head of the list: names of the columns, and how much would change if the order did not stand still. */
import { useEffect, useRef } from "react";
import { useWords } from "../../words";
import type { Mode } from "./rows";
import { words } from "./words";

interface Props {
  mode: Mode;
  n: number;
  nSelected: number;
  isAll: boolean;
  changes: number;
  onAll: () => void;
  onThaw: () => void;
}

export function TaskHead({ mode, n, nSelected, isAll, changes, onAll, onThaw }: Props) {
  const t = useWords(words);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = nSelected > 0 && !isAll;
  }, [nSelected, isAll]);
  const text = t(changes === 1 ? "change" : "changes", { n: changes });
  const isFlat = mode === "wide" || mode === "normal";
  return (
    <div role="row" aria-rowindex={1} className="line head">
      <span role="columnheader" className="c-check">
        <label>
          <input
            ref={box}
            type="checkbox"
            checked={isAll}
            aria-label={t("selectAll", { n })}
            onChange={onAll}
          />
        </label>
      </span>
      <span role="columnheader" className="c-state">
        {t("state")}
      </span>
      <span role="columnheader" className="c-task">
        {t("task")}
        {changes > 0 && (
          <button type="button" className="changes" title={t("showChanges", { text })} onClick={onThaw}>
            {text}
          </button>
        )}
      </span>
      <span role="columnheader" className="c-owner">
        {t("owner")}
      </span>
      {isFlat && (
        <span role="columnheader" className="c-prio num">
          {t("prio")}
        </span>
      )}
      {mode !== "folded" && (
        <span role="columnheader" className="c-wants">
          {t("wants")}
        </span>
      )}
      {mode === "wide" && (
        <span role="columnheader" className="c-queue">
          {t("queue")}
        </span>
      )}
      <span role="columnheader" className="c-gpu">
        {t("gpu")}
      </span>
      <span role="columnheader" className="c-time num">
        {t("time")}
      </span>
    </div>
  );
}
