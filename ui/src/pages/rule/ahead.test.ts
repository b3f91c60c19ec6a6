import { expect, test } from "vitest";
import type { SimulatedTask } from "../../api/types";
import { byDifference, hoursOf, kindOf, questionOf, shiftOf } from "./ahead";

function fate(minute: number | null): SimulatedTask["now"] {
  const at = minute === null ? null : `2026-08-01T14:${String(minute).padStart(2, "0")}:00.000000Z`;
  return { start_at: at, end_at: null, wait_s: minute === null ? null : minute * 60, gpus: [], why: null };
}

function task(id: number, now: number | null, then: number | null | undefined): SimulatedTask {
  return {
    task_id: id,
    name: `t${id}`,
    tenant: "ada",
    queue: "running",
    gpu_count: 1,
    submitted_at: "2026-08-01T14:00:00.000000Z",
    run_time_s: null,
    run_time_basis: "unknown",
    now: fate(now),
    // biome-ignore lint/suspicious/noThenProperty: so the API calls what is expected under the other rules
    then: then === undefined ? null : fate(then),
  };
}

test("those that start under one of both rules alone come first, then the others by how much they move", () => {
  const tasks = [
    task(1, 5, 6),
    task(2, 7, 7),
    task(3, 9, 2),
    task(4, 10, null),
    task(5, null, 20),
    task(6, null, null),
  ];
  expect(byDifference(tasks).map((one) => one.task_id)).toEqual([4, 5, 3, 1, 2, 6]);
  const kinds = tasks.map((one) => kindOf(shiftOf(one)));
  expect(kinds).toEqual(["later", "same", "earlier", "later", "earlier", "same"]);
  expect(shiftOf(task(7, 5, undefined))).toBe(0);
});

test("hours are whole, and bounded as the daemon bounds them", () => {
  expect(["1", " 24 ", "720"].map(hoursOf)).toEqual([1, 24, 720]);
  expect(["", "0", "721", "2.5", "-1", "1e2", "x"].map(hoursOf)).toEqual([
    null,
    null,
    null,
    null,
    null,
    null,
    null,
  ]);
});

test("what is left out is asked neither for its value nor for its default; no assumption is none", () => {
  const sent = { values: { "rules.max_gpu": 4, "retry.retries": 2 }, unset: ["retry.fast_s", "selection"] };
  expect(questionOf(sent, 24, "  ", ["retry.retries", "retry.fast_s"])).toEqual({
    settings: { "rules.max_gpu": 4 },
    unset: ["selection"],
    hours: 24,
    assume: null,
  });
  expect(questionOf(sent, 1, " 2h ", []).assume).toBe("2h");
});
