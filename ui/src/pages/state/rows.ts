/** In which order tasks stand, and how the tasks of a submission fold into one line. Pure. */
import type { Row, TaskState } from "../../api/types";

/** What the forecast says of a task that waits. */
export interface Place {
  position: number;
  expected: string | null;
}

export type Places = ReadonlyMap<number, Place>;

/** How wide the table is drawn: `list` has three-line rows, `folded` two, the others one. */
export type Mode = "wide" | "normal" | "folded" | "list";

interface Base {
  key: string;
  height: number;
}

export interface TaskLine extends Base {
  kind: "task";
  row: Row;
  /** It stands below the line of its submission. */
  isMember: boolean;
}

export interface FoldLine extends Base {
  kind: "fold";
  rows: readonly Row[];
  name: string;
  isOpen: boolean;
}

export type Line = TaskLine | FoldLine;

const RANK: Record<TaskState, number> = {
  running: 0,
  stopping: 0,
  starting: 1,
  pending: 2,
  held: 3,
  completed: 4,
  failed: 4,
  cancelled: 4,
  aborted: 4,
};

const LAST = Number.MAX_SAFE_INTEGER;

/** Running first, then what waits in the scheduler's order, then held, then what ended, newest first. */
export function ordered(rows: readonly Row[], places: Places): Row[] {
  return [...rows].sort((a, b) => {
    const rank = RANK[a.state] - RANK[b.state];
    if (rank !== 0) return rank;
    if (a.state === "pending") {
      const place = (places.get(a.id)?.position ?? LAST) - (places.get(b.id)?.position ?? LAST);
      return place || b.priority - a.priority || a.id - b.id;
    }
    if (RANK[a.state] < 4) return a.id - b.id;
    // ISO 8601 of one length: the text's order is that of time.
    const [x, y] = [a.ended_at ?? "", b.ended_at ?? ""];
    return x < y ? 1 : x > y ? -1 : b.id - a.id;
  });
}

/** What stands on the second line: why it waits, is held, or ended; empty where nothing needs saying. */
export function reasonOf(row: Row): string {
  if (row.state === "completed") return "";
  if (row.state === "pending") return row.pending_detail || row.pending_reason || "";
  if (row.state === "held") return row.pending_detail || row.hold_reason || "held";
  return row.end_detail || row.end_reason || "";
}

/** Width of a text in Latin letters: a Chinese one is as wide as two. */
function widthOf(text: string): number {
  let width = 0;
  for (const letter of text) width += letter > "\u2e7f" ? 2 : 1;
  return width;
}

/** Letters that fit into a line of a narrow screen. */
const NARROW_LETTERS = 46;

/** Of a line whose second or third line says this. Fixed, so that a list of thousands needs no measuring. */
export function heightOf(reason: string, mode: Mode): number {
  if (mode === "list") return reason === "" ? 54 : widthOf(reason) > NARROW_LETTERS ? 86 : 70;
  if (mode === "folded") return 46;
  return reason === "" ? 29 : 46;
}

/** Those of a submission that wait, are held or ended alike share a line; each that runs has its own. */
function foldKey(row: Row): string | null {
  return RANK[row.state] < 2 ? null : `s${row.submission_id}:${row.state}`;
}

/** What the names have in common, without what counts them. */
export function commonName(names: readonly string[]): string {
  const [first = "", ...rest] = names;
  let length = first.length;
  for (const name of rest) {
    let same = 0;
    while (same < length && name[same] === first[same]) same++;
    length = same;
  }
  if (rest.length === 0 || rest.every((name) => name === first)) return first;
  const same = first.slice(0, length);
  const bracket = same.lastIndexOf("[");
  const common = (bracket > same.lastIndexOf("]") ? same.slice(0, bracket) : same).replace(
    /[\s\d_:.,/=\-[(#]+$/,
    "",
  );
  return common.length >= 2 ? common : first;
}

/** The lines of the list. `open`: keys of folds that show their tasks; `textOf`: the reason as it is shown. */
export function linesOf(
  sorted: readonly Row[],
  open: ReadonlySet<string>,
  mode: Mode,
  textOf: (row: Row) => string = reasonOf,
): Line[] {
  const groups = new Map<string, Row[]>();
  for (const row of sorted) {
    const key = foldKey(row);
    if (key === null) continue;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  const lines: Line[] = [];
  const task = (row: Row, isMember: boolean): TaskLine => ({
    kind: "task",
    key: `t${row.id}`,
    row,
    isMember,
    height: heightOf(textOf(row), mode),
  });
  const told = new Set<string>();
  for (const row of sorted) {
    const key = foldKey(row);
    const group = key === null ? undefined : groups.get(key);
    if (key === null || group === undefined || group.length < 2) {
      lines.push(task(row, false));
      continue;
    }
    if (told.has(key)) continue;
    told.add(key);
    const isOpen = open.has(key);
    const name = commonName(group.map((one) => one.name));
    lines.push({ kind: "fold", key, rows: group, name, isOpen, height: heightOf(textOf(row), mode) });
    if (isOpen) for (const member of group) lines.push(task(member, true));
  }
  return lines;
}

/** Tasks that a line stands for. */
export function rowsOf(line: Line): readonly Row[] {
  return line.kind === "task" ? [line.row] : line.rows;
}

/** A line that keeps its place and height, with what is known now. */
export function freshened(line: Line, now: ReadonlyMap<string, Line>, tasks: ReadonlyMap<number, Row>): Line {
  const found = now.get(line.key);
  if (found !== undefined) return { ...found, height: line.height } as Line;
  if (line.kind === "fold") return line;
  return { ...line, row: tasks.get(line.row.id) ?? line.row };
}

/** Lines behind all that stand in an order, such as older tasks: they push nothing away. */
export function tailBehind(order: readonly Line[], wanted: readonly Line[]): readonly Line[] {
  if (order === wanted) return [];
  const keys = new Set(order.map((line) => line.key));
  let from = wanted.length;
  while (from > 0 && !keys.has(wanted[from - 1]?.key ?? "")) from--;
  return from === 0 ? [] : wanted.slice(from);
}

/** How many lines came, went or moved between two orders. */
export function changesBetween(before: readonly Line[], after: readonly Line[]): number {
  const places = new Map(after.map((line, i) => [line.key, i]));
  const common: number[] = [];
  for (const line of before) {
    const place = places.get(line.key);
    if (place !== undefined) common.push(place);
  }
  const moved = common.length - longestRise(common);
  return before.length - common.length + (after.length - common.length) + moved;
}

/** Length of the longest rising subsequence: those need not move. */
function longestRise(places: readonly number[]): number {
  const tails: number[] = [];
  for (const place of places) {
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tails[middle] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    tails[low] = place;
  }
  return tails.length;
}
