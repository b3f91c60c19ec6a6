/** What was done: for 8 seconds, or for 20 where it can be undone; what went wrong stays until it is closed. */
import { useEffect, useState } from "react";
import { create } from "zustand";
import { Problem } from "../api/client";
import { type Pair, say, useLanguage, useWords } from "../words";
import { Button } from "./Button";

interface Told {
  id: number;
  text: string;
  undo?: () => Promise<unknown>;
  isProblem?: boolean;
}

const useToasts = create<{ told: Told[] }>(() => ({ told: [] }));
let count = 0;
const MOST = 4;
const STAYS_MS = 8000;
/** Who sees a mistake has to find the button, too. */
const UNDO_STAYS_MS = 20000;
/** Who presses a button hears after so long that it was pressed. */
const SLOW_MS = 3000;

const words = {
  undo: ["Undo", "撤销"],
  close: ["Close", "关闭"],
  undone: ["Undone", "已撤销"],
  slow: [
    "This takes a while: the daemon has not answered everything yet.",
    "需要一些时间：守护进程尚未全部响应。",
  ],
  silent: [
    "The daemon does not answer. Is it running? gavelq daemon status",
    "守护进程无响应。它是否在运行？gavelq daemon status",
  ],
} as const satisfies Record<string, Pair>;

function told(pair: Pair): string {
  return say(pair, useLanguage.getState().language);
}

export function toast(text: string, undo?: () => Promise<unknown>): number {
  const one: Told = { id: ++count, text, ...(undo ? { undo } : {}) };
  useToasts.setState(({ told }) => ({ told: [...told, one].slice(-MOST) }));
  return one.id;
}

/** Tell what went wrong, in the daemon's own words. */
export function complain(error: unknown): void {
  const isSilent = error instanceof Problem && error.status === 0;
  const text = isSilent ? told(words.silent) : error instanceof Problem ? error.message : String(error);
  useToasts.setState(({ told }) => ({
    told: [...told.filter((one) => one.text !== text), { id: ++count, text, isProblem: true }].slice(-MOST),
  }));
}

/** Do something, say what was done, and offer to undo it; a refusal is told. Whether it was done. */
export async function act(
  doing: () => Promise<unknown>,
  done?: string,
  undo?: () => Promise<unknown>,
): Promise<boolean> {
  let isSlow = 0;
  const slow = setTimeout(() => {
    isSlow = toast(told(words.slow));
  }, SLOW_MS);
  try {
    await doing();
  } catch (error) {
    complain(error);
    return false;
  } finally {
    clearTimeout(slow);
    drop(isSlow);
  }
  if (done) toast(done, undo);
  return true;
}

function drop(id: number): void {
  useToasts.setState(({ told }) => ({ told: told.filter((one) => one.id !== id) }));
}

function One({ one }: { one: Told }) {
  const t = useWords(words);
  const [isPaused, setPaused] = useState(false);
  useEffect(() => {
    if (isPaused || one.isProblem) return;
    const timer = setTimeout(() => drop(one.id), one.undo ? UNDO_STAYS_MS : STAYS_MS);
    return () => clearTimeout(timer);
  }, [isPaused, one]);
  const undo = one.undo;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only stays while it is pointed at
    <div
      className="toast fade"
      onMouseEnter={() => setPaused(true)}
      onMouseLeave={() => setPaused(false)}
      onFocus={() => setPaused(true)}
      onBlur={() => setPaused(false)}
    >
      <span className="grow">{one.text}</span>
      {undo && (
        <Button
          size="small"
          onClick={() => {
            drop(one.id);
            void act(undo, t("undone"));
          }}
        >
          {t("undo")}
        </Button>
      )}
      <Button size="small" icon="close" onlyIcon onClick={() => drop(one.id)}>
        {t("close")}
      </Button>
    </div>
  );
}

/** Where they appear; once in the page. */
export function Toasts() {
  const told = useToasts((state) => state.told);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {told.map((one) => (
        <One key={one.id} one={one} />
      ))}
    </div>
  );
}
