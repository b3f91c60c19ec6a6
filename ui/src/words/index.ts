/** Two languages. Every part keeps its words beside it, as pairs, so that none can be left out. */
import { create } from "zustand";

export type Language = "en" | "zh";

/** English, Chinese; `{name}` stands for what is put in. */
export type Pair = readonly [en: string, zh: string];

interface Choice {
  language: Language;
  choose: (language: Language) => void;
}

function first(): Language {
  const kept = localStorage.getItem("gavelq.language");
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const useLanguage = create<Choice>((set) => ({
  language: first(),
  choose: (language) => {
    localStorage.setItem("gavelq.language", language);
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    set({ language });
  },
}));

document.documentElement.lang = useLanguage.getState().language === "zh" ? "zh-CN" : "en";

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
