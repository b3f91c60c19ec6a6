/** Version, uptime and the most used keys. */
import { useMemo } from "react";
import { useLocation } from "wouter";
import { useLive } from "../store/live";
import { type Pair, useLanguage, useWords } from "../words";
import { span } from "../words/format";
import { useNow } from "./Connection";

const words: Record<string, Pair> = {
  up: ["daemon up {time}", "守护进程已运行 {time}"],
  filter: ["filter", "筛选"],
  search: ["search tasks", "搜索任务"],
  move: ["move", "移动"],
  open: ["open", "打开"],
  keys: ["all keys", "全部快捷键"],
};

export function Footer() {
  const daemon = useLive((live) => live.daemon);
  const language = useLanguage((choice) => choice.language);
  const t = useWords(words);
  const now = useNow(10_000);
  const [here] = useLocation();
  // Told when it was read; it grows without being told.
  const startedAt = useMemo(() => Date.now() - 1000 * (daemon?.uptime_s ?? 0), [daemon]);
  return (
    <footer className="footer second">
      {daemon && (
        <>
          <span>gavelq {daemon.version}</span>
          <span>{t("up", { time: span(Math.max(0, now - startedAt) / 1000, language) })}</span>
        </>
      )}
      <span className="push" />
      <span>
        <kbd>/</kbd> {t(/^\/(state|setting)/.test(here) ? "filter" : "search")}
      </span>
      {/^\/(state|gpu)/.test(here) && (
        <>
          <span>
            <kbd>j</kbd> <kbd>k</kbd> {t("move")}
          </span>
          <span>
            <kbd>Enter</kbd> {t("open")}
          </span>
        </>
      )}
      <span>
        <kbd>?</kbd> {t("keys")}
      </span>
    </footer>
  );
}
