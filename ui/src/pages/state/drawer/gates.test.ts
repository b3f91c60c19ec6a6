import { describe, expect, it } from "vitest";
import type { Explanation, Gpu, Row } from "../../../api/types";
import { cardRows, gateRows, strangersOn } from "./gates";

const gate = (name: string, passed: boolean, text = "") => ({
  gate: name,
  passed,
  reason: passed ? null : name,
  text,
  details: {},
});
const card = (index: number, fits: boolean, reason: string | null = null, text = "") => ({
  index,
  fits,
  reason,
  text,
});
const why = (gates: object[], cards: object[] = []) => ({ gates, cards }) as unknown as Explanation;
const gpu = (index: number, more: object = {}) =>
  ({
    index,
    queue: null,
    tasks: [],
    n_other_tasks: 0,
    processes: [],
    memory_free_mib: 24576,
    unavailable: null,
    excluded: false,
    state: "free",
    ...more,
  }) as unknown as Gpu;

describe("gates", () => {
  it("show dependencies, queue and tenant always, and others where they are closed", () => {
    const rows = gateRows(
      why([
        gate("queue_paused", false, "queue q is paused"),
        gate("dependency", true),
        gate("tenant_quota", true),
        gate("backoff", true),
        gate("gpu_budget", false, "5 of 6 used"),
      ]),
    );
    expect(rows).toEqual([
      { key: "dependency", verdict: "open", gate: null },
      { key: "queue", verdict: "closed", gate: gate("queue_paused", false, "queue q is paused") },
      { key: "tenant_quota", verdict: "open", gate: null },
      { key: "gpu_budget", verdict: "later", gate: gate("gpu_budget", false, "5 of 6 used") },
    ]);
  });
  it("put the gates of cards together", () => {
    const rows = gateRows(
      why([gate("gpu_count", false, "1 of 2"), gate("gpu_memory", true)], [card(0, true)]),
    );
    expect(rows.at(-1)).toEqual({ key: "gpus", verdict: "closed", gate: null });
  });
});

describe("cards", () => {
  it("name who holds them and until when, and what is another queue's", () => {
    const runs = {
      id: 7,
      tenant: "mei",
      started_at: "2026-01-01T00:00:00Z",
      time_limit_s: 60,
    } as unknown as Row;
    const rows = cardRows(
      why(
        [],
        [card(0, true), card(1, false, "gpu_count", "held by task 7"), card(3, false, "gpu_memory", "2G")],
      ),
      [gpu(0), gpu(1, { tasks: [7] }), gpu(2, { queue: "vision" }), gpu(3)],
      new Map([[7, runs]]),
      [0, 1],
      "running",
    );
    expect(rows.map(({ verdict }) => verdict)).toEqual(["open", "later", "closed", "closed"]);
    expect(rows[0]?.said).toEqual({ kind: "fits", free: "24.0", isKept: true });
    expect(rows[1]?.said).toEqual({ kind: "held", tasks: [runs], until: Date.parse("2026-01-01T00:01:00Z") });
    expect(rows[2]?.said).toEqual({ kind: "owned", queue: "vision" });
    expect(rows[3]?.said).toEqual({ kind: "daemon", text: "2G" });
  });
  it("say of every card that is left out why it is", () => {
    const gpus = [gpu(0), gpu(1, { queue: "vision" }), gpu(2, { unavailable: "ignored", queue: "vision" })];
    const said = (queue: string) => cardRows(why([]), gpus, new Map(), [], queue).map((row) => row.said);
    expect(said("vision")[0]).toEqual({ kind: "outside", queue: "vision" });
    expect(said("running")).toEqual([
      { kind: "outside", queue: null },
      { kind: "owned", queue: "vision" },
      { kind: "daemon", text: "ignored" },
    ]);
  });
  it("count strangers only where they keep the task out", () => {
    const process = { pid: 1, task_id: null, is_ignored: false };
    const found = strangersOn(why([], [card(0, false, "gpu_unavailable"), card(1, true)]), [
      gpu(0, { processes: [process] }),
      gpu(1, { processes: [process] }),
    ]);
    expect(found.map(({ index }) => index)).toEqual([0]);
  });
});
