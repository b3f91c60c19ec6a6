/** All configurations by mode, with what they do now. */

import { Link } from "wouter";
import { ownFailures } from "../../api/runs";
import { Button } from "../../parts/Button";
import { TaskGlyph } from "../../parts/Glyph";
import { Icon } from "../../parts/Icon";
import { useWords } from "../../words";
import { useHasDraft } from "./draft";
import { type FileRow, isOver, type Mode, type Run, stateOf } from "./files";
import { useNumbers, useTold } from "./numbers";
import { words } from "./words";

type Counted = Pick<
  Run,
  "completed_tasks" | "running_tasks" | "failed_tasks" | "cancelled_tasks" | "skipped_tasks" | "total_tasks"
>;

/** Done, running, failed: the parts of a run as a thin bar; what was cancelled or never ran leaves it empty. */
export function Progress({ of }: { of: Counted }) {
  const part = (n: number) => ({ width: `${(100 * n) / Math.max(1, of.total_tasks)}%` });
  const label = `${of.completed_tasks} / ${of.total_tasks}`;
  return (
    <span className="progress" role="img" aria-label={label}>
      <span className="fill-ok" style={part(of.completed_tasks)} />
      <span className="fill-mine" style={part(of.running_tasks)} />
      <span className="fill-bad" style={part(ownFailures(of))} />
    </span>
  );
}

/** A ring without hands: there is no state yet. */
function NeverRan() {
  const t = useWords(words);
  return (
    <span className="never" title={t("notRun")}>
      <span className="only-read">{t("notRun")}</span>
    </span>
  );
}

function One({ file, run, isHere }: { file: FileRow; run: Run | undefined; isHere: boolean }) {
  const t = useWords(words);
  const numbers = useNumbers();
  const told = useTold(true);
  const hasDraft = useHasDraft(file);
  const isDraft = hasDraft || (run && !isOver(run) && file.is_changed);
  const holds = `${numbers("task", file.n_tasks)}${t("comma")}${numbers("queue", file.n_queues)}`;
  return (
    <Link
      href={`/command/${file.mode}/${file.index}`}
      className={isHere ? "file here" : "file"}
      aria-current={isHere ? "true" : undefined}
    >
      <span className="row">
        {run ? <TaskGlyph state={stateOf(run.state)} /> : <NeverRan />}
        <span className="name cut" title={file.name}>
          {file.name}
        </span>
        {file.n_mistakes > 0 && file.n_tasks > 0 && (
          <span className="role-bad level" title={t("hasMistakes")}>
            <Icon name="warning" />
            <span className="only-read">{t("hasMistakes")}</span>
          </span>
        )}
        {isDraft && <span className="chip">{t("draft")}</span>}
        <span className="push quiet">{file.index}</span>
      </span>
      <span className="second">{run ? told(run) : file.n_tasks ? holds : t("emptyFile")}</span>
      {run && <Progress of={run} />}
    </Link>
  );
}

interface Props {
  files: readonly FileRow[];
  runs: readonly Run[];
  here: FileRow | null;
  mayNew: boolean;
  onNew: (mode: Mode) => void;
}

export function FileList({ files, runs, here, mayNew, onNew }: Props) {
  const t = useWords(words);
  const runOf = (file: FileRow) =>
    runs.filter((run) => run.mode === file.mode && run.config_index === file.config_index).at(-1);
  return (
    <nav className="card files" aria-label={t("title")}>
      {(["multi", "single"] as const).map((mode) => (
        <section key={mode}>
          <div className="row files-head">
            <h2 className="label">{t(mode)}</h2>
            <span className="push" />
            {mayNew && (
              <Button icon="plus" onlyIcon kind="plain" size="small" onClick={() => onNew(mode)}>
                {t("new", { mode: t(mode === "single" ? "singleWord" : "multiWord") })}
              </Button>
            )}
          </div>
          {files
            .filter((file) => file.mode === mode)
            .map((file) => (
              <One key={file.id} file={file} run={runOf(file)} isHere={file.id === here?.id} />
            ))}
        </section>
      ))}
      <p className="second files-foot">{t("keeps")}</p>
    </nav>
  );
}
