/** What a history chart is made of. Times are milliseconds since the epoch. */

/** One measure over time; `color` is a CSS variable such as `--series-1`. */
export interface Line {
  key: string;
  label: string;
  color: `--${string}`;
  values: readonly (number | null)[];
  isHatched?: boolean;
  /** What is below the line: nothing, a tint of its colour, or the colour itself (what stacks do). */
  fill?: "none" | "tint" | "solid";
}

/** A limit across a panel. */
export interface Limit {
  at: number;
  text: string;
  role: "bad" | "idle";
}

/** One of the charts that stand above each other. */
export interface Panel {
  key: string;
  title: string;
  unit: string;
  lines: readonly Line[];
  /** The upper end of the scale; without it what the values need. */
  top?: number | null;
  height?: number;
  /** Lines add up, the first one at the bottom. */
  isStacked?: boolean;
  limits?: readonly Limit[];
  /** Digits behind the point in the key. */
  digits?: number;
}

/** Something that lasted, drawn below the charts; `href` opens it. */
export interface Band {
  key: string;
  text: string;
  fill: "mine" | "others" | "foreign";
  from: number;
  to: number;
  href?: string;
  hint?: string;
}

/** Columns for drawing, the sum first: what is drawn later stands before it. Unknown everywhere where all are unknown. */
export function stacked(lines: readonly Line[]): (number | null)[][] {
  const sums: (number | null)[][] = [];
  let below: (number | null)[] = [];
  for (const line of lines) {
    const before = below;
    below = line.values.map((value, i) =>
      value === null && (before[i] ?? null) === null ? null : (before[i] ?? 0) + (value ?? 0),
    );
    sums.unshift(below);
  }
  return sums;
}

/** Bands in rows so that none covers another, at most `most` rows; what does not fit is counted. */
export function inRows(bands: readonly Band[], most: number): { rows: Band[][]; nLeft: number } {
  const rows: Band[][] = [];
  let nLeft = 0;
  for (const band of [...bands].sort((a, b) => a.from - b.from || a.to - b.to)) {
    const row = rows.find((one) => (one.at(-1)?.to ?? 0) <= band.from);
    if (row !== undefined) row.push(band);
    else if (rows.length < most) rows.push([band]);
    else nLeft += 1;
  }
  return { rows, nLeft };
}

/** The last point of which any line knows something: a step that has just begun has not been measured yet. -1: none. */
export function lastKnown(panels: readonly Pick<Panel, "lines">[]): number {
  const ends = panels.flatMap(({ lines }) =>
    lines.map(({ values }) => values.findLastIndex((value) => value !== null)),
  );
  return Math.max(-1, ...ends);
}

/** The newest known value. */
export function newest(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}
