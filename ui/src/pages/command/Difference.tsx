/** What tells the file from its run, and the text from the file. */
import { Diff } from "../../parts/Diff";
import { Empty } from "../../parts/Empty";
import { useWords } from "../../words";
import type { Difference as Found } from "./files";
import { words } from "./words";

const KINDS = [
  ["added", "+", "plus"],
  ["removed", "-", "minus"],
  ["moved", "~", ""],
  ["started", "=", ""],
] as const;

export function Difference({ found, before, after }: { found: Found | null; before: string; after: string }) {
  const t = useWords(words);
  const isSame = before === after && !found?.is_changed;
  return (
    <section className="structure scroll" tabIndex={0} aria-label={t("diff")}>
      {isSame && <Empty title={t("noDiff")}>{t("same")}</Empty>}
      {before !== after && (
        <div className="file-lane">
          <Diff before={before} after={after} />
        </div>
      )}
      {found?.is_changed &&
        Object.entries(found.queues).map(([queue, changes]) => (
          <section key={queue} className="file-lane">
            <h3>
              <span className="chip">{queue}</span>
            </h3>
            <div className="diff">
              {KINDS.flatMap(([kind, sign, style]) =>
                changes[kind].map((one, i) => (
                  <div key={`${kind}-${one.task_id ?? one.line ?? i}`} className={style}>
                    {sign} {t(kind === "started" ? "keptRunning" : kind)}
                    {one.line ? ` :${one.line}` : ""} {one.task_id ? `#${one.task_id}` : ""}{" "}
                    {one.commands?.join("; ")}
                    {one.memory_gb === undefined ? "" : ` (${one.gpu_count ?? 1} × ${one.memory_gb} GB)`}
                  </div>
                )),
              )}
            </div>
          </section>
        ))}
    </section>
  );
}
