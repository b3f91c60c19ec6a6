/** The last run of a configuration: progress by lane, what runs where, what failed and why. */
import { useMemo } from "react";
import { ownFailures } from "../../api/runs";
import { Empty } from "../../parts/Empty";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import { type FileRow, isOver, type Run, type StoredFile } from "./files";
import { hasManyQueues, LaneView } from "./Lane";
import { Latest } from "./Latest";
import { queueNames } from "./lines";
import { Placement } from "./Placement";
import { ranges } from "./placing";
import { words } from "./words";

function Figures({ run }: { run: Run }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const ends = run.expected_end_at ? when(run.expected_end_at, language) : t("unknown");
  const figures: (readonly [label: string, value: string | number, more?: string | null])[] = [
    [t("done"), t("ofAll", { done: run.completed_tasks, total: run.total_tasks })],
    [t("running"), run.running_tasks],
    [t("failed"), ownFailures(run)],
    [t("gpus"), ranges(run.gpus_used) || "–"],
    isOver(run)
      ? [t("endedAt"), run.ended_at ? when(run.ended_at, language) : "–"]
      : [t("ends"), ends, run.expected_basis],
  ];
  return (
    <div className="run-figures">
      {figures.map(([label, value, more]) => (
        <div key={label} title={more ?? undefined}>
          <div className="label">{label}</div>
          <b>{value}</b>
        </div>
      ))}
    </div>
  );
}

export function RunPanel({ run, file }: { run: Run | null; file: StoredFile & FileRow }) {
  const t = useWords(words);
  const { maySubmit } = useRights();
  const names = useMemo(() => queueNames(file.content), [file.content]);
  if (run === null) {
    return (
      <Empty
        title={t("notRun")}
        {...(maySubmit ? { command: `gavelq file start ${file.index} --mode ${file.mode}` } : {})}
      >
        {t("notRunText")}
      </Empty>
    );
  }
  const isMany = hasManyQueues(Object.keys(run.queues).length);
  const rest = (
    <>
      {!isOver(run) && <Placement run={run} />}
      <Latest run={run} />
    </>
  );
  return (
    <>
      <Figures run={run} />
      {isMany && rest}
      {Object.values(run.queues).map((lane) => (
        <LaneView key={lane.id} lane={lane} name={names.get(lane.id)} mayRun={maySubmit} />
      ))}
      {!isMany && rest}
    </>
  );
}
