/** All configurations by mode, with what they do now. */
import { Link } from "wouter";
import { Button } from "../../parts/Button";
import { TaskGlyph } from "../../parts/Glyph";
import { useWords } from "../../words";
import { hasDraft } from "./draft";
import { type FileRow, isOver, type Mode, type Run, stateOf } from "./files";
import { words } from "./words";

/** Done, running, failed: the parts of a run as a thin bar. */
export function Progress({
  of,
}: {
  of: { completed_tasks: number; running_tasks: number; failed_tasks: number; total_tasks: number };
}) {
  const part = (n: number) => ({ width: `${(100 * n) / Math.max(1, of.total_tasks)}%` });
  const label = `${of.completed_tasks} / ${of.total_tasks}`;
  return (
    <span className="progress" role="img" aria-label={label}>
      <span className="fill-ok" style={part(of.completed_tasks)} />
      <span className="fill-mine" style={part(of.running_tasks)} />
      <span className="fill-bad" style={part(of.failed_tasks)} />
    </span>
  );
}

function One({ file, run, isHere }: { file: FileRow; run: Run | undefined; isHere: boolean }) {
  const t = useWords(words);
  const counts = { tasks: file.n_tasks, queues: file.n_queues };
  const done = run && { done: run.completed_tasks, total: run.total_tasks, failed: run.failed_tasks };
  const isDraft = hasDraft(file) || (run && !isOver(run) && file.is_changed);
  return (
    <Link
      href={`/command/${file.mode}/${file.index}`}
      className={isHere ? "file here" : "file"}
      aria-current={isHere ? "true" : undefined}
    >
      <span className="row">
        <TaskGlyph state={run ? stateOf(run.state) : "held"} />
        <span className="name cut">{file.name}</span>
        {isDraft && <span className="chip">{t("draft")}</span>}
        <span className="push quiet">{file.index}</span>
      </span>
      <span className="second">
        {done
          ? t(done.failed ? "failedToo" : "doneOf", done)
          : file.n_tasks
            ? t("tasksQueues", counts)
            : t("emptyFile")}
      </span>
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
