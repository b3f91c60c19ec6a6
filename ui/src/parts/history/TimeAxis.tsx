/** The time below all charts; by keyboard it is a slider that moves the cursor. */
import type { KeyboardEvent } from "react";
import { type Pair, useLanguage, useWords } from "../../words";
import { momentText, type Tick } from "./ticks";

const words = { cursor: ["Time under the cursor", "光标所在时间"] } satisfies Record<string, Pair>;

/** The part of the axis at either side of the cursor that its label covers. */
const COVERED = 0.06;

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: 10, PageDown: -10 };

export function TimeAxis(props: {
  marks: readonly Tick[];
  span: readonly [number, number];
  xs: readonly number[];
  /** The last point that has something to tell; the cursor goes no further by keyboard. */
  last: number;
  at: number | null;
  /** What is known at a point, for readers. */
  told: (at: number) => string;
  onMove: (at: number | null) => void;
}) {
  const { marks, span, xs, last, at, told, onMove } = props;
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const here = at ?? last;
  const moment = momentText((xs[here] ?? 0) * 1000, span[1] - span[0], language);
  const part = (ms: number) => `${(100 * (ms - span[0])) / (span[1] - span[0])}%`;
  const isHidden = (tick: Tick) =>
    at !== null && Math.abs(tick.at - (xs[at] ?? 0) * 1000) < (span[1] - span[0]) * COVERED;
  const onKey = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    const to =
      event.key === "Home" ? 0 : event.key === "End" ? last : step === undefined ? null : here + step;
    if (event.key === "Escape" && at !== null) {
      event.stopPropagation();
      onMove(null);
    }
    if (to === null) return;
    event.preventDefault();
    onMove(Math.min(last, Math.max(0, to)));
  };
  return (
    <div
      className="history-axis"
      role="slider"
      tabIndex={0}
      aria-label={t("cursor")}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, last)}
      aria-valuenow={Math.max(0, here)}
      aria-valuetext={`${moment}: ${told(here)}`}
      onKeyDown={onKey}
      onBlur={() => onMove(null)}
    >
      {marks
        .filter((tick) => !isHidden(tick))
        .map((tick) => (
          <span key={tick.at} style={{ left: part(tick.at) }} aria-hidden="true">
            {tick.text}
          </span>
        ))}
      {at !== null && (
        <span className="history-moment" style={{ left: part((xs[at] ?? 0) * 1000) }} aria-hidden="true">
          {moment}
        </span>
      )}
    </div>
  );
}
