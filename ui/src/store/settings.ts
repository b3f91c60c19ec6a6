/** What a person chose for this browser. */
import { create } from "zustand";

export type Theme = "system" | "light" | "dark";

interface Choices {
  theme: Theme;
  hasKeys: boolean;
  chooseTheme: (theme: Theme) => void;
  switchKeys: (hasKeys: boolean) => void;
}

const THEMES: readonly string[] = ["system", "light", "dark"];

function keptTheme(): Theme {
  const kept = localStorage.getItem("gavelq.theme") ?? "system";
  return THEMES.includes(kept) ? (kept as Theme) : "system";
}

function show(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export const useChoices = create<Choices>((set) => ({
  theme: keptTheme(),
  hasKeys: localStorage.getItem("gavelq.keys") !== "off",
  chooseTheme: (theme) => {
    localStorage.setItem("gavelq.theme", theme);
    show(theme);
    set({ theme });
  },
  switchKeys: (hasKeys) => {
    localStorage.setItem("gavelq.keys", hasKeys ? "on" : "off");
    set({ hasKeys });
  },
}));

show(useChoices.getState().theme);
