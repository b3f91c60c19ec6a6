/** The text with line numbers, what each line means, and what is wrong with it, while it is typed. */
import { type KeyboardEvent, memo, type RefObject, useMemo } from "react";
import { useWords } from "../../words";
import type { Checked, Mistake, Mode } from "./files";
import { columns, type Meaning, meanings } from "./lines";
import { LINE, useWindow } from "./useWindow";
import { words } from "./words";

/** Columns at the right edge for what a line means. */
const NOTES = 18;

/** A line with its queue ids and numbers, its `{work_dir}` and its comments in their colours. */
function Painted({ text, meaning, isWrong }: { text: string; meaning: Meaning; isWrong: boolean }) {
  if (meaning === "comment") return <span className="ed-comment">{text}</span>;
  if (isWrong || meaning === "queue" || meaning === "gpus" || meaning === "memory") {
    const at = text.indexOf("#");
    const [number, comment] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)];
    return (
      <>
        <span className={isWrong ? "ed-wrong" : "ed-number"}>{number.trimEnd()}</span>
        {number.slice(number.trimEnd().length)}
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

interface LineProps {
  number: number;
  text: string;
  meaning: Meaning;
  mistake: Mistake | undefined;
  isNew: boolean;
  mode: Mode;
}

const Line = memo(function Line({ number, text, meaning, mistake, isNew, mode }: LineProps) {
  const t = useWords(words);
  const notes: Partial<Record<Meaning, string>> = {
    queue: t("queue"),
    gpus: t("gpus"),
    memory: t(mode === "multi" ? "gbEach" : "gb"),
  };
  return (
    <div className={`ed-line ${mistake ? "bad" : ""} ${isNew ? "new" : ""}`}>
      <span className="ed-no">{number}</span>
      <span className="ed-text">
        <Painted text={text} meaning={meaning} isWrong={mistake !== undefined} />
      </span>
      <span className="ed-note">{mistake ? mistake.problem : notes[meaning]}</span>
    </div>
  );
});

interface Props {
  area: RefObject<HTMLTextAreaElement | null>;
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
  const { area, label, mode, text, stored, checked, isFresh, isReadOnly, onChange, onSave } = props;
  const { frame, from, to } = useWindow();
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
  const width = useMemo(() => lines.reduce((most, line) => Math.max(most, columns(line)), 20), [lines]);
  const onKey = (event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      onSave();
    }
  };
  return (
    <div className="editor scroll" ref={frame}>
      <div
        className="ed-inner"
        style={{ height: (lines.length + 2) * LINE, minWidth: `calc(${width + NOTES} * 1ch)` }}
      >
        <div className="ed-lines" aria-hidden="true" style={{ paddingTop: from * LINE }}>
          {lines.slice(from, to).map((line, i) => (
            <Line
              // biome-ignore lint/suspicious/noArrayIndexKey: lines are their places
              key={from + i}
              number={from + i + 1}
              text={line}
              meaning={meant[from + i] ?? "none"}
              mistake={wrong.get(from + i + 1)}
              isNew={text !== stored && !before.has(line)}
              mode={mode}
            />
          ))}
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
