import { describe, expect, it } from "vitest";
import { changesOf, countOf, FRESH, readEnv, requestOf, sweepOf } from "./draft";

describe("a form's request", () => {
  it("leaves out what is empty, and sends numbers as numbers", () => {
    const draft = {
      ...FRESH,
      command: "python a.py\n",
      memory: "22",
      priority: "20",
      after: "3, 4",
      tags: "a b",
    };
    expect(requestOf(draft)).toEqual({
      command: "python a.py",
      gpu_count: 1,
      memory: "22",
      priority: 20,
      after: [3, 4],
      tags: ["a", "b"],
    });
  });
  it("is a script where the first line names an interpreter", () => {
    const draft = { ...FRESH, command: "#!/usr/bin/env python3\nprint(1)" };
    expect(requestOf(draft).script).toEqual({
      name: "script",
      content: "#!/usr/bin/env python3\nprint(1)\n",
    });
  });
  it("names only one way to choose GPUs", () => {
    const draft = { ...FRESH, command: "x", gpus: "range" as const, min_gpus: "2", max_gpus: "4" };
    expect(requestOf(draft)).toEqual({ command: "x", min_gpus: 2, max_gpus: 4 });
  });
  it("reads environment lines as shells write them", () => {
    expect(readEnv("A=1\n\n# no\nexport B='x y'\nC")).toEqual({ A: "1", B: "x y", "C=": "" });
  });
});

describe("a sweep", () => {
  it("counts indices times values", () => {
    const draft = { ...FRESH, array: "0-9:3,20%2", params: "lr=.1,.01" };
    expect(countOf(draft)).toBe(10);
    expect(sweepOf(draft)).toEqual({ array: "0-9:3,20%2", params: { lr: [".1", ".01"] } });
  });
  it("is none without an array and parameters", () => {
    expect(sweepOf({ ...FRESH, max_parallel: "2" })).toBeNull();
  });
});

describe("changes", () => {
  it("send what is different alone, and take back what was emptied", () => {
    const before = { ...FRESH, command: "x", memory: "22", time_limit: "2h", queue: "a" };
    expect(changesOf(before, { ...before, memory: "8", time_limit: "" })).toEqual({
      memory: "8",
      time_limit: null,
    });
  });
  it("replace one way of choosing GPUs by another", () => {
    const before = { ...FRESH, command: "x", gpus: "ids" as const, gpu_ids: "0,1" };
    expect(changesOf(before, { ...before, gpus: "count", gpu_count: "3" })).toEqual({
      gpu_count: 3,
      gpu_ids: null,
    });
  });
});
