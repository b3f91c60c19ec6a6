/**
 * Charts above each other with one time axis and one cursor; what lasted stands in bands below.
 *
 * Load it with `lazily(() => import(...))`: the drawing library comes with it.
 */
import { type PointerEvent, useMemo, useRef, useState } from "react";
import { useChoices } from "../store/settings";
import { useLanguage } from "../words";
import "uplot/dist/uPlot.min.css";
import { BandRows } from "./history/BandRows";
import "./history/history.css";
import { GUTTER, PanelChart, PanelKey } from "./history/PanelChart";
import { type Band, lastKnown, type Panel } from "./history/shapes";
import { TimeAxis } from "./history/TimeAxis";
import { ticks } from "./history/ticks";
import { useMedia, useWidth } from "./useSize";

export type { Band, Limit, Line, Panel } from "./history/shapes";

export interface HistoryProps {
  /** What it shows, for readers. */
  label: string;
  /** Both ends of the time axis, in milliseconds since the epoch. */
  from: number;
  to: number;
  /** The width of a point in seconds; value `i` of every line covers `from` + `i` x `stepS`. */
  stepS: number;
  /** Keep the array between renders (useMemo): charts are made anew with another one. */
  panels: readonly Panel[];
  bands?: readonly Band[];
  bandsTitle?: string;
}

/** Changes when the colours do. */
function useTheme(): string {
  const chosen = useChoices((choices) => choices.theme);
  const isDark = useMedia("(prefers-color-scheme: dark)");
  return `${chosen} ${isDark}`;
}

export function HistoryChart(props: HistoryProps) {
  const { label, from, to, stepS, panels, bands, bandsTitle = "" } = props;
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const theme = useTheme();
  const language = useLanguage((choice) => choice.language);
  const [at, setAt] = useState<number | null>(null);
  const nPoints = Math.max(0, ...panels.flatMap((panel) => panel.lines.map((line) => line.values.length)));
  const known = lastKnown(panels);
  const xs = useMemo(
    () => Array.from({ length: nPoints }, (_, i) => from / 1000 + (i + 0.5) * stepS),
    [from, stepS, nPoints],
  );
  const span = useMemo(() => [from, to] as const, [from, to]);
  const inner = Math.max(1, width - GUTTER);
  const marks = useMemo(
    () => ticks(from, to, Math.max(2, Math.floor(inner / 74)), language),
    [from, to, inner, language],
  );
  const onMove = (event: PointerEvent) => {
    const box = frame.current?.getBoundingClientRect();
    if (box === undefined || nPoints === 0) return;
    const part = (event.clientX - box.left - GUTTER) / inner;
    const i = Math.floor((part * (to - from)) / 1000 / stepS);
    setAt(part < 0 || part > 1 ? null : Math.min(nPoints - 1, Math.max(0, i)));
  };
  const told = (i: number) =>
    panels
      .flatMap((panel) =>
        panel.lines.map(
          (line) => `${line.label} ${line.values[i]?.toFixed(panel.digits ?? 0) ?? "–"} ${panel.unit}`,
        ),
      )
      .join(", ");
  const left = at === null ? 0 : GUTTER + (inner * ((xs[at] ?? 0) * 1000 - from)) / (to - from);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset draws a frame
    <div
      ref={frame}
      className="history"
      role="group"
      aria-label={label}
      onPointerMove={onMove}
      onPointerLeave={() => setAt(null)}
    >
      {panels.map((panel) => (
        <div key={panel.key}>
          <PanelKey panel={panel} at={at} />
          {width > 0 && (
            <PanelChart panel={panel} xs={xs} span={span} marks={marks} width={width} theme={theme} />
          )}
        </div>
      ))}
      {bands && <BandRows title={bandsTitle} bands={bands} from={from} to={to} />}
      <TimeAxis
        marks={marks}
        span={span}
        xs={xs}
        last={known < 0 ? nPoints - 1 : known}
        at={at}
        told={told}
        onMove={setAt}
      />
      {at !== null && <div className="history-cursor" style={{ left }} />}
    </div>
  );
}
