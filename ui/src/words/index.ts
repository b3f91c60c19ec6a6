/** Two languages. Every part keeps its words beside it, as pairs, so that none can be left out. */
import { create } from "zustand";
import { speak, type Table } from "./told";

export type Language = "en" | "zh";

/** English, Chinese; `{name}` stands for what is put in. */
export type Pair = readonly [en: string, zh: string];

interface Choice {
  language: Language;
  /** For what the daemon tells; null: English, or not loaded yet. */
  table: Table | null;
  choose: (language: Language) => void;
}

function first(): Language {
  const kept = localStorage.getItem("gavelq.language");
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const useLanguage = create<Choice>((set) => ({
  language: first(),
  table: null,
  choose: (language) => {
    localStorage.setItem("gavelq.language", language);
    set({ language });
    settle(language);
  },
}));

/** Say so in the document, and fetch what the language needs beside its words. */
function settle(language: Language): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  const take = (table: Table | null) => {
    if (useLanguage.getState().language !== language) return;
    speak(table);
    useLanguage.setState({ table });
  };
  if (language === "en") {
    take(null);
    return;
  }
  import("./zh").then(
    // Undefined: gavelq was upgraded, and the page is about to be loaded anew (see shell/renew.ts).
    (found: typeof import("./zh") | undefined) => take(found?.table ?? null),
    () => take(null), // the daemon's own texts do as well
  );
}

settle(useLanguage.getState().language);

type Put = Record<string, string | number>;

export function say(pair: Pair, language: Language, put: Put = {}): string {
  return pair[language === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in put ? String(put[name]) : whole,
  );
}

/** `const t = useWords(words)`, then `t("title")` or `t("waits", { n: 3 })`. */
export function useWords<W extends Record<string, Pair>>(words: W): (key: keyof W, put?: Put) => string {
  const language = useLanguage((choice) => choice.language);
  return (key, put) => {
    const pair = words[key];
    return pair === undefined ? String(key) : say(pair, language, put);
  };
}

/** For what the daemon tells: its sentences in Chinese, null in English. Where it has none, the daemon's text is shown. */
export function useChinese(): Table | null {
  return useLanguage((choice) => choice.table);
}
