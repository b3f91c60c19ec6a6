import { expect, test } from "vitest";
import { csvOf, daysOf, leading, REST, type Used } from "./usage";

const none = { idle_gpu_hours: null, foreign_gpu_hours: null, efficiency_percent: null };
const counts = { n_started: 0, n_ended: 0, n_aborted: 0, n_cancelled: 0, n_completed: 0, n_failed: 0 };
const waits = { wait_mean_s: null, wait_p50_s: null, wait_p95_s: null };

function used(tenant: string | null, day: string | null, gpu_hours: number, more: Partial<Used> = {}): Used {
  return { tenant, queue: null, day, gpu_hours, ...none, ...counts, ...waits, ...more };
}

test("those with the most hours get a colour, the others go together", () => {
  const rows = ["a", "b", "c", "d", "e"].map((name, i) => used(name, "2026-01-01", i + 1));
  expect(leading(rows, "tenant")).toEqual(["e", "d", "c", REST]);
  const days = daysOf(
    "2026-01-01T00:00:00Z",
    "2026-01-01T12:00:00Z",
    rows,
    [],
    "tenant",
    leading(rows, "tenant"),
  );
  expect(days[0]?.parts).toContainEqual({ name: REST, hours: 3 });
});

test("days on which nothing ran stand in the chart as well", () => {
  const rows = [used("a", "2026-01-01", 2), used("a", "2026-01-03", 1)];
  const foreign = [used(null, "2026-01-02", 0, { foreign_gpu_hours: 5 })];
  const days = daysOf("2026-01-01T09:00:00Z", "2026-01-03T08:00:00Z", rows, foreign, "tenant", ["a"]);
  expect(days.map((day) => [day.day, day.parts[0]?.hours, day.foreign])).toEqual([
    ["2026-01-01", 2, 0],
    ["2026-01-02", 0, 5],
    ["2026-01-03", 1, 0],
  ]);
});

test("a name is no formula in a spreadsheet", () => {
  expect(csvOf([used('=1+"1",2', "2026-01-01", 1)]).split("\r\n")[1]).toMatch(
    /^"'=1\+""1"",2",,2026-01-01,1,/,
  );
});
