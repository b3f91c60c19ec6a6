import { describe, expect, it } from "vitest";
import { type Band, inRows, lastKnown, newest, stacked } from "./shapes";
import { momentText, ticks } from "./ticks";

const line = (values: (number | null)[]) => ({ key: "", label: "", color: "--x" as const, values });
const band = (key: string, from: number, to: number): Band => ({ key, text: key, fill: "mine", from, to });

describe("stacks", () => {
  it("draw the sum first, and know nothing where no line does", () => {
    const columns = stacked([line([1, null, null]), line([2, 3, null])]);
    expect(columns).toEqual([
      [3, 3, null],
      [1, null, null],
    ]);
  });
  it("tell the newest value that is known", () => {
    expect(newest([1, 2, null])).toBe(2);
    expect(newest([null])).toBeNull();
  });
  it("end where anything was measured last", () => {
    expect(lastKnown([{ lines: [line([1, 2, null, null])] }, { lines: [line([1, null, 3, null])] }])).toBe(2);
    expect(lastKnown([{ lines: [line([null])] }])).toBe(-1);
  });
});

describe("bands", () => {
  it("stand below each other where they last at the same time", () => {
    const { rows, nLeft } = inRows(
      [band("a", 0, 10), band("b", 5, 15), band("c", 10, 20), band("d", 6, 8)],
      2,
    );
    expect(rows.map((row) => row.map(({ key }) => key))).toEqual([["a", "c"], ["b"]]);
    expect(nLeft).toBe(1);
  });
});

describe("the time axis", () => {
  const noon = new Date(2026, 10, 22, 12, 3).getTime();
  it("has its marks at round times, never more than there is room for", () => {
    const found = ticks(noon, noon + 6 * 3600e3, 7, "en");
    expect(found.map(({ text }) => text)).toEqual(["13:00", "14:00", "15:00", "16:00", "17:00", "18:00"]);
    expect(ticks(noon, noon + 30 * 86400e3, 7, "en").length).toBeLessThanOrEqual(7);
  });
  it("names the day at midnight, and seconds only in short spans", () => {
    expect(ticks(noon, noon + 24 * 3600e3, 8, "en").map(({ text }) => text)).toContain("Mon");
    expect(momentText(noon, 900e3, "en")).toBe("12:03:00");
    expect(momentText(noon, 86400e3, "en")).toBe("Sun 12:03");
  });
});
