/** All mistakes below the editor: where, what would put them right, and a button that does where that is known. */
import type { RefObject } from "react";
import { Button } from "../../parts/Button";
import { Icon } from "../../parts/Icon";
import { useWords } from "../../words";
import type { Mistake, Mode } from "./files";
import { placeOfValue, repairOf } from "./lines";
import { LINE } from "./useWindow";
import { words } from "./words";

const MOST = 20;

/** Put the cursor into a line, in view. */
export function goToLine(area: HTMLTextAreaElement | null, line: number): void {
  if (area === null) return;
  const [from] = placeOfValue(area.value, line);
  area.focus({ preventScroll: true });
  area.setSelectionRange(from, from);
  area.closest(".editor")?.scrollTo({ top: Math.max(0, (line - 5) * LINE), left: 0 });
}

/** Write something as a person would: the browser's own undo takes it back. */
export function write(area: HTMLTextAreaElement | null, from: number, to: number, text: string): void {
  if (area === null) return;
  area.focus({ preventScroll: true });
  area.setSelectionRange(from, to);
  document.execCommand("insertText", false, text);
}

export function Mistakes({
  mistakes,
  text,
  mode,
  area,
  isReadOnly,
}: {
  mistakes: readonly Mistake[];
  text: string;
  mode: Mode;
  area: RefObject<HTMLTextAreaElement | null>;
  isReadOnly: boolean;
}) {
  const t = useWords(words);
  const isEmpty = text.trim() === "";
  const lines = text.split("\n");
  const repair = (line: number, value: string) => {
    const [from, to] = placeOfValue(area.current?.value ?? text, line);
    write(area.current, from, to, value);
    goToLine(area.current, line);
  };
  return (
    <ul className="mistakes" aria-live="polite">
      {mistakes.slice(0, MOST).map((one) => {
        const meant = isReadOnly ? null : repairOf(lines[one.line - 1] ?? "", one.problem);
        return (
          <li key={`${one.line}-${one.problem}`} className="row wrap">
            <Icon name="warning" />
            <button
              type="button"
              className="as-link problem"
              onClick={() => goToLine(area.current, one.line)}
            >
              {t("line", { n: one.line, problem: one.problem })}
            </button>
            {one.hint && <span className="second">{one.hint}</span>}
            {meant !== null && (
              <Button size="small" onClick={() => repair(one.line, meant)}>
                {t("write", { value: meant })}
              </Button>
            )}
            {isEmpty && !isReadOnly && (
              <Button
                size="small"
                onClick={() =>
                  write(area.current, 0, text.length, t(mode === "multi" ? "exampleMulti" : "exampleSingle"))
                }
              >
                {t("writeExample")}
              </Button>
            )}
          </li>
        );
      })}
      {mistakes.length > MOST && (
        <li className="second">{t("moreMistakes", { n: mistakes.length - MOST })}</li>
      )}
    </ul>
  );
}
