import { expect, test } from "vitest";
import { csvOf, daysOf, leading, midnight, REST, type Used } from "./usage";

const none = { idle_gpu_hours: null, foreign_gpu_hours: null, efficiency_percent: null };
const counts = { n_started: 0, n_ended: 0, n_aborted: 0, n_cancelled: 0, n_completed: 0, n_failed: 0 };
const waits = { wait_mean_s: null, wait_p50_s: null, wait_p95_s: null };

function used(tenant: string | null, day: string | null, gpu_hours: number, more: Partial<Used> = {}): Used {
  return { tenant, queue: null, gpu: null, day, gpu_hours, ...none, ...counts, ...waits, ...more };
}

test("those with the most hours get a colour, the others go together", () => {
  const rows = ["a", "b", "c", "d", "e"].map((name, i) => used(name, "2026-01-01", i + 1));
  expect(leading(rows, "tenant")).toEqual(["e", "d", "c", "b", REST]);
  const times = { from: "2026-01-01T00:00:00Z", to: "2026-01-01T12:00:00Z", utc_offset_s: 0 };
  const days = daysOf(times, rows, [], "tenant", leading(rows, "tenant"));
  expect(days[0]?.parts).toContainEqual({ name: REST, hours: 1 });
});

test("days on which nothing ran stand in the chart as well", () => {
  const rows = [used("a", "2026-01-01", 2), used("a", "2026-01-03", 1)];
  const foreign = [used(null, "2026-01-02", 0, { foreign_gpu_hours: 5 })];
  const times = { from: "2026-01-01T09:00:00Z", to: "2026-01-03T08:00:00Z", utc_offset_s: 0 };
  const days = daysOf(times, rows, foreign, "tenant", ["a"]);
  expect(days.map((day) => [day.day, day.parts[0]?.hours, day.foreign])).toEqual([
    ["2026-01-01", 2, 0],
    ["2026-01-02", 0, 5],
    ["2026-01-03", 1, 0],
  ]);
});

test("days are those of the machine's calendar", () => {
  const times = { from: "2026-01-01T15:30:00Z", to: "2026-01-02T16:00:00Z", utc_offset_s: 8 * 3600 };
  const shanghai = daysOf(times, [used("a", "2026-01-02", 2)], [], "tenant", ["a"]);
  expect(shanghai.map(({ day }) => day)).toEqual(["2026-01-01", "2026-01-02"]);
  expect(midnight("2026-01-02", 8 * 3600)).toBe("2026-01-01T16:00:00.000Z");
  expect(midnight("2026-02-28", -3600, 1)).toBe("2026-03-01T01:00:00.000Z");
});

test("cards are told by their index", () => {
  const rows = [used(null, null, 2, { gpu: 0 }), used(null, null, 3, { gpu: 10 })];
  expect(leading(rows, "gpu")).toEqual(["10", "0"]);
});

test("a name is no formula in a spreadsheet", () => {
  expect(csvOf([used('=1+"1",2', "2026-01-01", 1)]).split("\r\n")[1]).toMatch(
    /^"'=1\+""1"",2",,,2026-01-01,1,/,
  );
});
