/** The second line of a task: the daemon's own text, or words for its code. */
import { useCallback } from "react";
import type { Row } from "../../api/types";
import { useLive } from "../../store/live";
import { say, useChinese, useLanguage, useWords } from "../../words";
import { END_REASONS, PENDING_REASONS } from "../../words/reasons";
import { words } from "./words";

export function useReason(): (row: Row) => string {
  const language = useLanguage((choice) => choice.language);
  const chinese = useChinese();
  const queues = useLive((live) => live.queues);
  const t = useWords(words);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words change with the language alone
  return useCallback(
    (row: Row) => {
      if (row.state === "completed") return "";
      if (row.state === "held") {
        if (row.hold_reason) return chinese?.text(row.hold_reason) ?? row.hold_reason;
        const isHolding = queues.some((queue) => queue.name === row.queue && queue.hold);
        return isHolding ? t("heldIn", { queue: row.queue }) : t("heldBy");
      }
      const isEnd = row.state !== "pending";
      const code = isEnd ? row.end_reason : row.pending_reason;
      const detail = (isEnd ? row.end_detail : row.pending_detail) ?? "";
      const told = isEnd ? chinese?.text(detail) : chinese?.wait(code ?? "", row.pending_details ?? {});
      if (told && !isEnd) return told;
      const pair = code ? (isEnd ? END_REASONS : PENDING_REASONS)[code] : undefined;
      if (code === "exit_nonzero" && !detail) return t("exit", { n: row.exit_code ?? "?" });
      if (pair === undefined) return detail || code || "";
      const word = say(pair, language);
      if (!isEnd && language === "en") return detail || word;
      return detail ? `${word}${language === "zh" ? "：" : ": "}${told ?? detail}` : word;
    },
    [language, chinese, queues],
  );
}
