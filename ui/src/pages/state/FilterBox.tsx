/** One box for all filters: tokens become chips, keys and values are completed by keyboard. */
import { type KeyboardEvent, type RefObject, useEffect, useId, useMemo, useRef, useState } from "react";
import { Button } from "../../parts/Button";
import { Icon } from "../../parts/Icon";
import { useWords } from "../../words";
import { completions, type Known, parse, wordsOf } from "./filter";
import { words } from "./words";

interface Props {
  value: string;
  onChange: (value: string) => void;
  known: Known;
  isShort: boolean;
  input: RefObject<HTMLInputElement | null>;
}

const isToken = (word: string) => parse(word, 0)[0]?.key !== "text";

export function FilterBox({ value, onChange, known, isShort, input }: Props) {
  const t = useWords(words);
  const id = useId();
  const [draft, setDraft] = useState(() => textOf(value));
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const told = useRef(value);
  const chips = wordsOf(value).filter(isToken);
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    setDraft(textOf(value));
  }, [value]);
  const tell = (tokens: readonly string[], text: string) => {
    const next = [...tokens, ...wordsOf(text).filter((word) => !isToken(word))].join(" ");
    told.current = next;
    if (next !== value) onChange(next);
  };
  const take = (text: string, isWhole: boolean) => {
    const parts = wordsOf(text);
    const open = isWhole || /\s$/.test(text) ? undefined : parts.at(-1);
    const ready = parts.filter((word) => isToken(word) && word !== open);
    const rest = parts.filter((word) => !isToken(word) || word === open).join(" ");
    setDraft(ready.length ? rest : isWhole ? rest : text);
    tell([...chips, ...ready.filter((word) => !chips.includes(word))], rest);
  };
  const last = /\s$/.test(draft) ? "" : (wordsOf(draft).at(-1) ?? "");
  const choices = useMemo(() => (isOpen ? completions(last, known) : []), [isOpen, last, known]);
  const choose = (choice: string) => {
    const before = draft.slice(0, draft.length - last.length);
    setAt(-1);
    if (choice.endsWith(":")) {
      setDraft(before + choice);
      setOpen(true);
    } else {
      take(`${before}${choice} `, true);
      // The next is offered when it is typed: until then the list below may be read.
      setOpen(false);
    }
    input.current?.focus();
  };
  const drop = (chip: string) => {
    tell(
      chips.filter((one) => one !== chip),
      draft,
    );
    input.current?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const choice = choices[at];
    if (step !== undefined) {
      event.preventDefault();
      setOpen(true);
      if (choices.length > 0)
        setAt((at + step + choices.length + (at < 0 && step < 0 ? 1 : 0)) % choices.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (choice !== undefined) choose(choice);
      else {
        take(draft, true);
        setOpen(false);
      }
    } else if (
      event.key === "Tab" &&
      !event.shiftKey &&
      isOpen &&
      last !== "" &&
      (choice ?? choices[0]) !== undefined
    ) {
      event.preventDefault();
      choose(choice ?? choices[0] ?? "");
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (choices.length > 0) setOpen(false);
      else input.current?.blur();
      setAt(-1);
    } else if (event.key === "Backspace" && draft === "" && chips.length > 0) {
      event.preventDefault();
      setDraft(chips.at(-1) ?? "");
      tell(chips.slice(0, -1), "");
    }
  };
  const tokens = parse(chips.join(" "), Date.now());
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a click beside the text is meant for the text
    // biome-ignore lint/a11y/useKeyWithClickEvents: the same
    <div
      className="filter"
      onClick={(event) => event.target === event.currentTarget && input.current?.focus()}
    >
      <Icon name="search" />
      {tokens.map((token) => (
        <span
          key={token.raw}
          className={`token mono ${token.isWrong ? "wrong" : ""}`}
          title={token.isWrong ? t("wrong", { token: token.raw }) : undefined}
        >
          {token.isWrong && <Icon name="warning" size={12} />}
          {token.raw}
          <button type="button" aria-label={t("drop", { token: token.raw })} onClick={() => drop(token.raw)}>
            <Icon name="close" size={12} />
          </button>
        </span>
      ))}
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label={t("filter")}
        aria-expanded={choices.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={choices[at] === undefined ? undefined : `${id}-${at}`}
        autoComplete="off"
        spellCheck={false}
        placeholder={chips.length && isShort ? "" : t(isShort ? "hintShort" : "hint")}
        value={draft}
        onChange={(event) => {
          setAt(-1);
          setOpen(true);
          take(event.target.value, false);
        }}
        onKeyDown={onKey}
        onClick={() => setOpen(true)}
        onBlur={() => {
          setOpen(false);
          setAt(-1);
        }}
      />
      {value !== "" ? (
        <Button icon="close" onlyIcon size="small" kind="plain" onClick={() => onChange("")}>
          {t("clear")}
        </Button>
      ) : (
        <kbd>/</kbd>
      )}
      {choices.length > 0 && (
        <div id={`${id}-list`} className="menu choices fade" role="listbox" aria-label={t("suggestions")}>
          {choices.map((choice, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the box answers the keys
            // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the box
            <div
              key={choice}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === at}
              className="mono"
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(choice)}
            >
              {choice}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

function textOf(value: string): string {
  return wordsOf(value)
    .filter((word) => !isToken(word))
    .join(" ");
}
