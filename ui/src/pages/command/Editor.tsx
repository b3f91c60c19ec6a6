/** The text with line numbers, what each line means, and what is wrong with it, while it is typed. */
import { type KeyboardEvent, useMemo, useRef } from "react";
import { useWords } from "../../words";
import type { Checked, Mistake, Mode } from "./files";
import { type Meaning, meanings } from "./lines";
import { words } from "./words";

const LINE = 20;

/** A line with its queue ids and numbers, its `{work_dir}` and its comments in their colours. */
function Painted({ text, meaning }: { text: string; meaning: Meaning }) {
  if (meaning === "comment") return <span className="ed-comment">{text}</span>;
  if (meaning === "queue" || meaning === "gpus" || meaning === "memory") {
    const at = text.indexOf("#");
    const [number, comment] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)];
    return (
      <>
        <span className="ed-number">{number}</span>
        <span className="ed-comment">{comment}</span>
      </>
    );
  }
  const parts = text.split(/(\{work_dir\})/);
  return (
    <>
      {parts.map((part, i) =>
        part === "{work_dir}" ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts are their places
          <span key={i} className="ed-dir">
            {part}
          </span>
        ) : (
          part
        ),
      )}
    </>
  );
}

interface Props {
  label: string;
  mode: Mode;
  text: string;
  stored: string;
  checked: Checked;
  isFresh: boolean;
  isReadOnly: boolean;
  onChange: (text: string) => void;
  onSave: () => void;
}

export function Editor(props: Props) {
  const { label, mode, text, stored, checked, isFresh, isReadOnly, onChange, onSave } = props;
  const t = useWords(words);
  const area = useRef<HTMLTextAreaElement>(null);
  const lines = useMemo(() => text.split("\n"), [text]);
  const meant = useMemo(
    () => meanings(text, mode, isFresh ? checked.queues : {}),
    [text, mode, checked, isFresh],
  );
  const before = useMemo(() => new Set(stored.split("\n")), [stored]);
  const wrong = useMemo(
    () => new Map<number, Mistake>(isFresh ? checked.mistakes.map((one) => [one.line, one]) : []),
    [checked, isFresh],
  );
  const notes: Partial<Record<Meaning, string>> = {
    queue: t("queue"),
    gpus: t("gpus"),
    memory: t(mode === "multi" ? "gbEach" : "gb"),
  };
  const onKey = (event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      onSave();
    }
  };
  const width = Math.max(...lines.map((line) => line.length), 20);
  return (
    <div className="editor scroll">
      <div
        className="ed-inner"
        style={{ height: (lines.length + 2) * LINE, minWidth: `calc(${width + 24} * 1ch)` }}
      >
        <div className="ed-lines" aria-hidden="true">
          {lines.map((line, i) => {
            const mistake = wrong.get(i + 1);
            const isNew = text !== stored && !before.has(line);
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines are their places
              <div key={i} className={`ed-line ${mistake ? "bad" : ""} ${isNew ? "new" : ""}`}>
                <span className="ed-no">{i + 1}</span>
                <span className="ed-text">
                  <Painted text={line} meaning={meant[i] ?? "none"} />
                </span>
                <span className="ed-note">{mistake ? mistake.problem : notes[meant[i] ?? "none"]}</span>
              </div>
            );
          })}
        </div>
        <textarea
          ref={area}
          className="ed-area"
          aria-label={label}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          wrap="off"
          readOnly={isReadOnly}
          value={text}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={onKey}
        />
      </div>
    </div>
  );
}

/** All mistakes below the editor, with what would put them right; a click goes to the line. */
export function Mistakes({ mistakes }: { mistakes: readonly Mistake[] }) {
  const t = useWords(words);
  const go = (line: number) => {
    const area = document.querySelector<HTMLTextAreaElement>(".ed-area");
    if (area === null) return;
    const start =
      area.value
        .split("\n")
        .slice(0, line - 1)
        .join("\n").length + (line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, start);
    area.closest(".editor")?.scrollTo({ top: Math.max(0, (line - 5) * LINE) });
  };
  return (
    <ul className="mistakes" aria-live="polite">
      {mistakes.slice(0, 20).map((one) => (
        <li key={`${one.line}-${one.problem}`}>
          <button type="button" className="as-link problem" onClick={() => go(one.line)}>
            {t("line", { n: one.line, problem: one.problem })}
          </button>
          {one.hint && <span className="second"> {one.hint}</span>}
        </li>
      ))}
    </ul>
  );
}
