/** Counted things in words: one of them, or several. */
import { ownFailures } from "../../api/runs";
import { useWords } from "../../words";
import { words } from "./words";

/** `numbers("task", 1)` is "1 task". */
export function useNumbers(): (what: "task" | "queue", n: number) => string {
  const t = useWords(words);
  return (what, n) => t(n === 1 ? `${what}1` : `${what}s`, { n });
}

/** What became of the tasks of a run or a queue, in a few words: `1 of 6 done, 2 failed, 3 not run`; short: without the last. */
export function useTold(
  isShort = false,
): (of: {
  completed_tasks: number;
  failed_tasks: number;
  cancelled_tasks: number;
  skipped_tasks: number;
  total_tasks: number;
}) => string {
  const t = useWords(words);
  return (of) => {
    const failed = ownFailures(of);
    return [
      t("doneOf", { done: of.completed_tasks, total: of.total_tasks }),
      ...(failed > 0 ? [t("nFailed", { n: failed })] : []),
      ...(of.cancelled_tasks > 0 && !isShort ? [t("nCancelled", { n: of.cancelled_tasks })] : []),
      ...(of.skipped_tasks > 0 && !isShort ? [t("nSkipped", { n: of.skipped_tasks })] : []),
    ].join(t("comma"));
  };
}
