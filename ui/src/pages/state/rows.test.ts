import { describe, expect, it } from "vitest";
import type { Row, TaskState } from "../../api/types";
import { changesBetween, commonName, freshened, heightOf, linesOf, ordered, tailBehind } from "./rows";

function row(id: number, state: TaskState, fields: Partial<Row> = {}): Row {
  return { id, state, name: `t${id}`, priority: 0, submission_id: id, ended_at: null, ...fields } as Row;
}

const ids = (rows: readonly Row[]) => rows.map((one) => one.id);
const keys = (rows: readonly Row[], open: string[] = []) =>
  linesOf(rows, new Set(open), "normal").map((line) => line.key);

describe("the list", () => {
  it("puts what runs first, what waits in the scheduler's order, and what ended last, newest first", () => {
    const rows = [
      row(1, "completed", { ended_at: "2026-08-01T10:00:00Z" }),
      row(2, "failed", { ended_at: "2026-08-01T11:00:00Z" }),
      row(3, "held"),
      row(4, "pending"),
      row(5, "pending"),
      row(6, "pending", { priority: 50 }),
      row(7, "starting"),
      row(8, "running"),
    ];
    const places = new Map([
      [5, { position: 1, expected: null }],
      [4, { position: 2, expected: null }],
    ]);
    expect(ids(ordered(rows, places))).toEqual([8, 7, 5, 4, 6, 3, 2, 1]);
  });

  it("folds a submission by state, but never what runs, and opens it on request", () => {
    const rows = [
      row(1, "running", { submission_id: 9 }),
      row(2, "running", { submission_id: 9 }),
      row(3, "pending", { submission_id: 9 }),
      row(4, "pending"),
      row(5, "pending", { submission_id: 9 }),
      row(6, "failed", { submission_id: 9 }),
    ];
    expect(keys(rows)).toEqual(["t1", "t2", "s9:pending", "t4", "t6"]);
    expect(keys(rows, ["s9:pending"])).toEqual(["t1", "t2", "s9:pending", "t3", "t5", "t4", "t6"]);
  });

  it("calls a fold by what its names have in common", () => {
    expect(commonName(["sweep[0]", "sweep[1]"])).toBe("sweep");
    expect(commonName(["lr-sweep-001", "lr-sweep-017"])).toBe("lr-sweep");
    expect(commonName(["a.txt:1:2", "a.txt:1:3"])).toBe("a.txt");
    expect(commonName(["sweep[lr=1,x=2]", "sweep[lr=1,x=3]"])).toBe("sweep");
    expect(commonName(["abc", "xyz"])).toBe("abc");
    expect(commonName(["run7", "run7"])).toBe("run7");
  });

  it("counts a row that moved once, however many it passed", () => {
    const before = linesOf(
      [1, 2, 3, 4].map((id) => row(id, "pending")),
      new Set(),
      "normal",
    );
    const after = linesOf(
      [4, 1, 2, 5].map((id) => row(id, "pending")),
      new Set(),
      "normal",
    );
    expect(changesBetween(before, after)).toBe(3); // 4 moved, 3 went, 5 came
    expect(changesBetween(before, before)).toBe(0);
  });

  it("lets older tasks come behind a frozen order, and nothing before it", () => {
    const lines = (...list: number[]) =>
      linesOf(
        list.map((id) => row(id, "pending")),
        new Set(),
        "normal",
      );
    expect(tailBehind(lines(1, 2), lines(7, 2, 1, 8, 9)).map((line) => line.key)).toEqual(["t8", "t9"]);
    expect(tailBehind(lines(1, 2), lines(3, 4))).toEqual([]);
  });

  it("keeps a row's height while it is read, though its state changed", () => {
    const [line] = linesOf([row(1, "running")], new Set(), "normal");
    const failed = row(1, "failed", { end_detail: "exit code 1" });
    const now = new Map(linesOf([failed], new Set(), "normal").map((one) => [one.key, one]));
    if (line === undefined) throw new Error("no line");
    expect(freshened(line, now, new Map())).toMatchObject({ row: failed, height: 29 });
    expect(heightOf("exit code 1", "normal")).toBe(46);
  });
});
