/** One chart of a history: its title, its key with the values under the cursor, and the drawing. */
import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import { type Pair, useWords } from "../../words";
import { colorOf, drawLimits, lineOptions, token } from "./drawing";
import { newest, type Panel, stacked } from "./shapes";
import type { Tick } from "./ticks";

/** Room for the numbers at the left, in pixels; the bands below keep it too. */
export const GUTTER = 44;

const words = { now: ["now", "现在"] } satisfies Record<string, Pair>;

function shown(value: number | null, digits: number): string {
  return value === null ? "–" : value.toFixed(digits);
}

export function PanelKey({ panel, at }: { panel: Panel; at: number | null }) {
  const t = useWords(words);
  return (
    <div className="row history-head">
      <h3>{panel.title}</h3>
      <span className="quiet">{panel.unit}</span>
      <span className="key push" title={at === null ? t("now") : undefined}>
        {panel.lines.map((line) => (
          <span key={line.key}>
            <i
              className={`swatch ${line.isHatched ? "fill-foreign" : ""}`}
              style={line.isHatched ? {} : { background: `var(${line.color})` }}
              aria-hidden="true"
            />
            {line.label}
            <b>{shown(at === null ? newest(line.values) : (line.values[at] ?? null), panel.digits ?? 0)}</b>
          </span>
        ))}
      </span>
    </div>
  );
}

function options(
  panel: Panel,
  xs: readonly number[],
  span: readonly [number, number],
  marks: { current: readonly Tick[] },
): uPlot.Options {
  const order = panel.isStacked ? [...panel.lines].reverse() : panel.lines;
  return {
    width: 300,
    height: panel.height ?? 132,
    padding: [6, 0, 6, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: () => [span[0] / 1000, span[1] / 1000] },
      y: {
        range: (_, __, high) => [0, panel.top ?? niceTop(Math.max(high ?? 1, ...limitsOf(panel)))],
      },
    },
    axes: [
      {
        size: 0,
        splits: () => marks.current.map((tick) => tick.at / 1000),
        values: (_, splits) => splits.map(() => ""),
        grid: { stroke: () => colorOf("--grid"), width: 1 },
        ticks: { show: false },
      },
      {
        size: GUTTER,
        gap: 8,
        stroke: () => colorOf("--text3"),
        font: `11px ${token("--sans")}`,
        splits: (u) => {
          const top = u.scales.y?.max ?? 100;
          return [0, top / 2, top];
        },
        values: (_, splits) => splits.map((value) => String(Math.round(value * 10) / 10)),
        grid: { stroke: () => colorOf("--grid"), width: 1 },
        ticks: { show: false },
      },
    ],
    series: [{}, ...order.map((line) => lineOptions(line, panel.isStacked ?? false, xs.length))],
    hooks: { draw: [(u) => drawLimits(u, panel.limits ?? [])] },
  };
}

function limitsOf(panel: Panel): number[] {
  return (panel.limits ?? []).map((limit) => limit.at);
}

/** 1, 2, 4, 5 or 8 of a power of ten, above what is to be shown. */
function niceTop(high: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(high, 0.1)));
  return power * ([1, 2, 4, 5, 8, 10].find((factor) => factor * power >= high * 1.02) ?? 10);
}

export function PanelChart(props: {
  panel: Panel;
  xs: readonly number[];
  span: readonly [number, number];
  marks: readonly Tick[];
  width: number;
  theme: string;
}) {
  const { panel, xs, span, marks, width, theme } = props;
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(marks);
  latest.current = marks;
  const columns = useMemo(
    () => (panel.isStacked ? stacked(panel.lines) : panel.lines.map((line) => [...line.values])),
    [panel],
  );
  useEffect(() => {
    if (frame.current === null) return;
    plot.current = new uPlot(options(panel, xs, span, latest), [[...xs], ...columns], frame.current);
    return () => plot.current?.destroy();
  }, [panel, xs, span, columns]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a chart made anew needs its size, other colours a new drawing
  useEffect(() => {
    plot.current?.setSize({ width, height: panel.height ?? 132 });
  }, [width, theme, panel, xs, span, columns]);
  return (
    <div ref={frame} className="history-plot" style={{ height: panel.height ?? 132 }} aria-hidden="true" />
  );
}
