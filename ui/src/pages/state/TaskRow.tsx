// biome-ignore-all lint/a11y/useSemanticElements: only rows in view are drawn, which no table element allows
// biome-ignore-all lint/a11y/useFocusableInteractive: the row has the focus, as in the ARIA pattern of a grid
/** A line of the list: a task, or the folded tasks of a submission. */
import { type MouseEvent, memo } from "react";
import type { Row } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { TaskStatePill } from "../../parts/State";
import { useLanguage, useWords } from "../../words";
import { clock, hours, since, when, wholeGib } from "../../words/format";
import { isEnded } from "../../words/states";
import { useReason } from "./reason";
import type { FoldLine, Line, Mode, Place } from "./rows";
import { words } from "./words";

export interface LineProps {
  line: Line;
  mode: Mode;
  tenant: string;
  /** Milliseconds; 0 for lines on which no clock runs. */
  now: number;
  place: Place | undefined;
  isSelected: boolean;
  isHere: boolean;
  isOpen: boolean;
  index: number;
  top: number;
  onClick: (line: Line, event: MouseEvent) => void;
  onToggle: (line: Line, event: MouseEvent | React.ChangeEvent) => void;
}

/** `2 × 40 GiB`, `1 × whole`, `CPU only`. */
export function useWants(): (row: Row) => string {
  const t = useWords(words);
  return (row) => {
    if (row.gpu_count === 0 && !row.max_gpus) return t("cpu");
    const isElastic = row.max_gpus !== null && row.max_gpus !== row.gpu_count;
    const n = isElastic ? `${row.gpu_count}–${row.max_gpus}` : row.gpu_count;
    return row.memory_mib === null ? t("whole", { n }) : `${n} × ${wholeGib(row.memory_mib)} GiB`;
  };
}

function Time({ row, now, place }: { row: Row; now: number; place: Place | undefined }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const limit = row.time_limit_s === null ? t("none") : hours(row.time_limit_s);
  if (row.state === "pending") {
    if (place === undefined && !row.expected_start_at) return <span className="quiet">–</span>;
    const at = place?.expected ?? row.expected_start_at;
    return (
      <>
        <span className="quiet">{t(at ? "about" : "start")}</span> {at ? when(at, language) : t("unknown")}
      </>
    );
  }
  if (row.started_at === null) return <span className="quiet">–</span>;
  if (isEnded(row.state)) {
    return <>{clock(since(row.started_at, Date.parse(row.ended_at ?? row.started_at)))}</>;
  }
  return (
    <>
      <span className="live">{clock(since(row.started_at, now))}</span>
      <span className="quiet"> / {limit}</span>
    </>
  );
}

function Cards({ row, isMine }: { row: Row; isMine: boolean }) {
  if (row.gpus.length === 0 || row.state === "pending" || row.state === "held")
    return <span className="quiet">–</span>;
  const shown = row.gpus.slice(0, 4);
  return (
    <>
      {shown.map((gpu) => (
        <span key={gpu} className={`chip ${isMine && !isEnded(row.state) ? "mine" : ""}`}>
          {gpu}
        </span>
      ))}
      {row.gpus.length > shown.length && <span className="quiet">+{row.gpus.length - shown.length}</span>}
    </>
  );
}

function Name({ line, row, isMine }: { line: Line; row: Row; isMine: boolean }) {
  const t = useWords(words);
  const quiet = row.state === "completed" || row.state === "cancelled" ? "done" : "";
  if (line.kind === "fold") {
    return (
      <>
        <button
          type="button"
          className="fold-mark"
          tabIndex={-1}
          aria-expanded={line.isOpen}
          aria-label={t(line.isOpen ? "fold" : "unfold", { n: line.rows.length, name: line.name })}
        >
          <Icon name={line.isOpen ? "down" : "right"} size={12} />
        </button>
        <span className="id mono">{row.id}</span>
        <span className={`title ${isMine ? "name" : ""} ${quiet}`}>{line.name}</span>
        <span className="note">{t("count", { n: line.rows.length })}</span>
      </>
    );
  }
  return (
    <>
      <span className="id mono">{row.id}</span>
      <span className={`title ${isMine ? "name" : ""} ${quiet}`}>{row.name}</span>
      {row.is_lease && <span className="note">{t("lease")}</span>}
      {row.attempt > 1 && <span className="note">{t("attempt", { n: row.attempt })}</span>}
      {row.tags.length > 0 && (
        <span className="tags" title={row.tags.join(" ")}>
          {row.tags.slice(0, 3).map((tag) => (
            <span key={tag} className="note tag">
              {tag}
            </span>
          ))}
        </span>
      )}
    </>
  );
}

function partOf(row: Row, now: number): number {
  if (row.time_limit_s === null || row.started_at === null || now === 0) return 0.5;
  return since(row.started_at, now) / row.time_limit_s;
}

function sameOwner(line: FoldLine): boolean {
  return line.rows.every((row) => row.tenant === line.rows[0]?.tenant);
}

export const TaskRow = memo(function TaskRow(props: LineProps) {
  const { line, mode, now, place, isSelected, isHere, isOpen, index, top, tenant } = props;
  const t = useWords(words);
  const wantsOf = useWants();
  const reason = useReason();
  const row = line.kind === "task" ? line.row : line.rows[0];
  if (row === undefined) return null;
  const isMine = row.tenant === tenant;
  const owner = line.kind === "fold" && !sameOwner(line) ? t("various") : row.tenant;
  const name = line.kind === "task" ? `#${row.id} ${row.name}` : line.name;
  const text = reason(row);
  const wants = wantsOf(row);
  const isTall = line.height > 40;
  const classes = [
    "line",
    isOpen && "opened",
    isSelected && "chosen",
    line.kind === "task" && line.isMember && "member",
  ];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid answers Enter for its row with the focus
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      tabIndex={isHere ? 0 : -1}
      data-key={line.key}
      className={classes.filter(Boolean).join(" ")}
      style={{ height: line.height, transform: `translateY(${top}px)` }}
      onClick={(event) => props.onClick(line, event)}
    >
      <span role="gridcell" className="c-check">
        <label>
          <input
            type="checkbox"
            tabIndex={-1}
            checked={isSelected}
            aria-label={t("select", { name })}
            onClick={(event) => event.stopPropagation()}
            onChange={(event) => props.onToggle(line, event)}
          />
        </label>
      </span>
      <span role="gridcell" className="c-state">
        <TaskStatePill state={row.state} part={partOf(row, now)} bare />
      </span>
      <span role="gridcell" className="c-task" title={name}>
        <Name line={line} row={row} isMine={isMine} />
      </span>
      <span role="gridcell" className={`c-owner cut ${isMine ? "name" : ""}`}>
        {owner}
      </span>
      {mode !== "folded" && mode !== "list" && (
        <span role="gridcell" className={`c-prio num ${row.priority === 0 ? "quiet" : ""}`}>
          {row.priority}
        </span>
      )}
      {mode !== "folded" && (
        <span role="gridcell" className="c-wants cut">
          {wants}
        </span>
      )}
      {mode === "wide" && (
        <span role="gridcell" className="c-queue cut">
          {row.queue}
        </span>
      )}
      <span role="gridcell" className="c-gpu">
        <Cards row={row} isMine={isMine} />
      </span>
      <span role="gridcell" className="c-time num">
        <Time row={row} now={now} place={place} />
      </span>
      {isTall && (text || mode === "folded") && (
        <span role="gridcell" className="c-reason" title={text}>
          {mode === "folded" && (
            <span className="quiet">
              {wants}
              {row.priority !== 0 && `, ${t("prio")} ${row.priority}`}
              {text && " · "}
            </span>
          )}
          {text}
        </span>
      )}
    </div>
  );
});
