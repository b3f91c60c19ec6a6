import { describe, expect, it } from "vitest";
import { csvOf, foreignSpans, type Guest, split, staysOn } from "./kinds";

const guest = (id: number, tenant: string, over: Partial<Guest> = {}): Guest => ({
  id,
  name: `t${id}`,
  tenant,
  state: "running",
  gpus: [0],
  started_at: new Date(0).toISOString(),
  ended_at: null,
  memory_mib: 1000,
  ...over,
});

describe("stays", () => {
  it("are those on this card that reach into the range", () => {
    const early = guest(1, "me", { ended_at: new Date(400).toISOString() });
    const elsewhere = guest(2, "me", { gpus: [1] });
    const found = staysOn(0, [early, elsewhere, guest(3, "me")], 500, 1000);
    expect(found.map(({ task, to }) => [task.id, to])).toEqual([[3, 1000]]);
  });
});

describe("memory over time", () => {
  const at = (i: number) => i * 100;
  it("is mine where only my tasks are, with all that the driver adds", () => {
    const stays = staysOn(0, [guest(1, "me")], 0, 1000);
    expect(split([500], [0], [1], stays, "me", new Map(), at)).toEqual({
      mine: [500],
      others: [0],
      foreign: [0],
    });
  });
  it("is divided by what my tasks were seen to use where others are there, known or only counted", () => {
    const stays = staysOn(0, [guest(1, "me")], 0, 1000);
    const parts = split([900], [100], [2], stays, "me", new Map([[1, [300]]]), at);
    expect(parts).toEqual({ mine: [300], others: [500], foreign: [100] });
  });
  it("is unknown where the driver did not tell", () => {
    expect(split([null], [null], [null], [], "me", new Map(), at).others).toEqual([null]);
  });
});

describe("foreign use", () => {
  it("lasts without a break, and little memory is nobody", () => {
    expect(foreignSpans([0, 500, 500, 10, null, 500], 0, 10)).toEqual([
      { from: 10, to: 30 },
      { from: 50, to: 60 },
    ]);
  });
});

describe("the table for other programs", () => {
  it("has a line for each point, and nothing where nothing is known", () => {
    expect(csvOf([{ name: "a", values: [1, null] }], 0, 1000)).toBe(
      "at,a\r\n1970-01-01T00:00:00.000Z,1\r\n1970-01-01T00:00:01.000Z,\r\n",
    );
  });
});
