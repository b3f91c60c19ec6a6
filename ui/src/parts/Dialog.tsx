/** Dialogs and confirmations. Focus stays inside, Escape closes, and focus goes back to where it was. */
import { type ReactNode, useEffect, useId, useRef } from "react";
import { createPortal } from "react-dom";
import { create } from "zustand";
import { type Pair, useWords } from "../words";
import { Button } from "./Button";

const FOCUSABLE =
  "a[href],button:not(:disabled),input:not(:disabled),select:not(:disabled),textarea:not(:disabled),[tabindex='0']";

export function Dialog(props: {
  title: string;
  children: ReactNode;
  onClose: () => void;
  isWide?: boolean;
  isAlert?: boolean;
}) {
  const { title, children, onClose, isWide = false, isAlert = false } = props;
  const id = useId();
  const frame = useRef<HTMLDivElement>(null);
  const isWrittenIn = useRef(false);
  useEffect(() => {
    const before = document.activeElement;
    const first =
      frame.current?.querySelector<HTMLElement>("[data-first]") ??
      frame.current?.querySelector<HTMLElement>(FOCUSABLE);
    first?.focus();
    if (first instanceof HTMLInputElement) first.select();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const onKey = (event: React.KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Escape") onClose();
    if (event.key !== "Tab" || frame.current === null) return;
    const all = [...frame.current.querySelectorAll<HTMLElement>(FOCUSABLE)];
    const [first, last] = [all[0], all.at(-1)];
    if (event.shiftKey && document.activeElement === first) {
      event.preventDefault();
      last?.focus();
    } else if (!event.shiftKey && document.activeElement === last) {
      event.preventDefault();
      first?.focus();
    }
  };
  // What was written is not lost to a click beside the dialog.
  const onGround = (event: React.MouseEvent) => {
    if (event.target === event.currentTarget && !isWrittenIn.current) onClose();
  };
  // In the body: what it is asked from may scroll or be contained, and would be all that the ground covers.
  return createPortal(
    // biome-ignore lint/a11y/noStaticElementInteractions: the ground behind the dialog; Escape does the same
    <div className="scrim fade" onMouseDown={onGround}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: its role is one of two dialogs */}
      {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: both of them are modal */}
      <div
        ref={frame}
        className={`dialog ${isWide ? "wide" : ""}`}
        role={isAlert ? "alertdialog" : "dialog"}
        aria-modal="true"
        aria-labelledby={id}
        onKeyDown={onKey}
        onInput={() => {
          isWrittenIn.current = true;
        }}
      >
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </div>,
    document.body,
  );
}

interface Question {
  title: string;
  /** What ends and whose. */
  text: ReactNode;
  /** The effect, repeated on the last button. */
  effect: string;
  isDanger?: boolean;
  /** A choice that goes with it, such as "put it back as pending". */
  option?: { text: string; isOn: boolean };
}

type Answer = { isAgreed: boolean; option: boolean };

const useQuestion = create<{ asked: (Question & { answer: (answer: Answer) => void }) | null }>(() => ({
  asked: null,
}));

/** Ask before something that cannot be undone; the safe button has the focus. */
export function confirm(question: Question): Promise<Answer> {
  return new Promise((resolve) => {
    useQuestion.setState({
      asked: {
        ...question,
        answer: (answer) => {
          useQuestion.setState({ asked: null });
          resolve(answer);
        },
      },
    });
  });
}

const words: Record<string, Pair> = { keep: ["Keep it", "保持不变"] };

/** Where questions appear; once in the page. */
export function Questions() {
  const asked = useQuestion((state) => state.asked);
  const t = useWords(words);
  const option = useRef<HTMLInputElement>(null);
  if (asked === null) return null;
  const no = () => asked.answer({ isAgreed: false, option: false });
  const yes = () => asked.answer({ isAgreed: true, option: option.current?.checked ?? false });
  return (
    <Dialog title={asked.title} onClose={no} isAlert>
      <div className="stack dialog-text">
        <div>{asked.text}</div>
        {asked.option && (
          <label className="check">
            <input ref={option} type="checkbox" defaultChecked={asked.option.isOn} />
            {asked.option.text}
          </label>
        )}
        <div className="row dialog-end">
          <Button data-first onClick={no}>
            {t("keep")}
          </Button>
          <Button kind={asked.isDanger === false ? "primary" : "danger"} onClick={yes}>
            {asked.effect}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
