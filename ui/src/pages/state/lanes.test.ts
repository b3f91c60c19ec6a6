import { describe, expect, it } from "vitest";
import type { Gpu, Queue, Row } from "../../api/types";
import { cardsOf, heldBy, ordered, ranges } from "./lanes";

const gpu = (index: number, queue: string | null = null, state = "free") =>
  ({ index, queue, state, excluded: false, n_other_tasks: 0 }) as Gpu;
const queue = (name: string, more: Partial<Queue> = {}) =>
  ({ name, pool: true, hold: false, ...more }) as Queue;
const row = (name: string, gpus: number[], tenant = "mei") =>
  ({ queue: name, state: "running", gpus, tenant }) as Row;
const GPUS = [gpu(0), gpu(1), gpu(2, "vision"), gpu(3, null, "ignored")];

describe("a lane", () => {
  it("has its own cards, or those of the pool that can be used", () => {
    expect(cardsOf(queue("vision"), GPUS)).toEqual([2]);
    expect(cardsOf(queue("running"), GPUS)).toEqual([0, 1]);
    expect(cardsOf(queue("closed", { pool: false }), GPUS)).toEqual([]);
  });

  it("counts a card that mine and others' tasks share once, as mine", () => {
    const rows = [row("running", [0]), row("running", [0, 1], "jonas"), row("vision", [2])];
    expect(heldBy(queue("running"), GPUS, rows, "mei")).toEqual({ total: 2, mine: 1, others: 1 });
  });

  it("counts cards in use by tasks that the reader may not see", () => {
    const gpus = [{ ...gpu(0), n_other_tasks: 2 }, gpu(1), { ...gpu(2, "vision"), n_other_tasks: 1 }];
    expect(heldBy(queue("running"), gpus, [row("running", [1])], "mei")).toEqual({
      total: 2,
      mine: 1,
      others: 1,
    });
  });

  it("writes indices as ranges", () => {
    expect(ranges([0, 1, 3, 4, 5, 6, 7])).toBe("0 1 3–7");
    expect(ranges([])).toBe("");
    expect(ranges([2, "MIG-1"])).toBe("2 MIG-1");
  });

  it("stands in an order that does not depend on what runs", () => {
    const names = ordered([queue("waiting"), queue("b"), queue("a", { hold: true }), queue("running")]);
    expect(names.map(({ name }) => name)).toEqual(["running", "b", "a", "waiting"]);
  });
});
