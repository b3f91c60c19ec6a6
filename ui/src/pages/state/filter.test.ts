import { describe, expect, it } from "vitest";
import type { Row } from "../../api/types";
import { completions, oldest, parse, queryOf, sinceMs, testOf, toggled, wordsOf } from "./filter";

const NOW = new Date(2026, 7, 20, 14, 32).getTime();
const EYES = { tenant: "mei", now: NOW };

function row(fields: Partial<Row>): Row {
  return {
    id: 1,
    name: "train",
    state: "running",
    pending_reason: null,
    pending_detail: null,
    pending_details: null,
    end_reason: null,
    end_detail: null,
    exit_code: null,
    signal: null,
    queue: "running",
    priority: 0,
    tenant: "mei",
    command: "python train.py",
    gpu_count: 1,
    max_gpus: null,
    memory_mib: null,
    share: false,
    time_limit_s: null,
    submission_id: 1,
    gpus: [],
    submitted_at: new Date(NOW - 60e3).toISOString(),
    started_at: null,
    ended_at: null,
    expected_start_at: null,
    tags: [],
    is_lease: false,
    array_index: null,
    hold_reason: null,
    attempt: 0,
    ...fields,
  };
}

function finds(text: string, fields: Partial<Row>): boolean {
  return testOf(parse(text, NOW), EYES)(row(fields));
}

describe("the filter", () => {
  it("wants every token and any of a token's values", () => {
    const failed = { state: "failed", queue: "vision", ended_at: new Date(NOW).toISOString() } as const;
    expect(finds("state:failed,aborted queue:vision", failed)).toBe(true);
    expect(finds("state:failed queue:nightly", failed)).toBe(false);
    expect(finds("state:ended", failed)).toBe(true);
    expect(finds("-state:failed", failed)).toBe(false);
  });

  it("takes two tokens of what a task has one of as either", () => {
    expect(finds("queue:vision queue:running", {})).toBe(true);
    expect(finds("queue:vision queue:running -state:running", {})).toBe(false);
    expect(finds("tag:a tag:b", { tags: ["a"] })).toBe(false);
    const query = queryOf(parse("state:failed state:aborted queue:a queue:b", NOW), EYES, true);
    expect(query).toEqual({ state: ["failed", "aborted"] });
  });

  it("knows me, cards, tags, numbers and plain text", () => {
    expect(finds("user:me", {})).toBe(true);
    expect(finds("user:me", { tenant: "jonas" })).toBe(false);
    expect(finds("gpu:3", { gpus: [2, 3] })).toBe(true);
    expect(finds("gpu:3", { gpus: [13] })).toBe(false);
    expect(finds('tag:"big run"', { tags: ["big run"] })).toBe(true);
    expect(finds("#1852", { id: 1852 })).toBe(true);
    expect(finds("185", { id: 1852 })).toBe(false);
    expect(finds("TRAIN.py", {})).toBe(true);
    expect(finds("reason:exit_nonzero", { state: "failed", end_reason: "exit_nonzero" })).toBe(true);
  });

  it("lets what has not ended pass a time, and what ended before it not", () => {
    const before = new Date(NOW - 86400e3).toISOString();
    expect(finds("since:today", { submitted_at: before })).toBe(true);
    expect(finds("since:today", { state: "completed", ended_at: before })).toBe(false);
    expect(oldest(parse("since:2h", NOW), NOW)).toBe(NOW - 7200e3);
  });

  it("takes a colon in a text for text, and marks values that it cannot read", () => {
    expect(parse("sweep.txt:1:4", NOW)[0]?.key).toBe("text");
    expect(parse("state:fail", NOW)[0]?.isWrong).toBe(true);
    expect(parse("since:soon", NOW)[0]?.isWrong).toBe(true);
    expect(parse("state:", NOW)[0]?.isWrong).toBe(true);
    expect(finds("state:fail", {})).toBe(true);
  });

  it("reads times of day, dates and so long ago", () => {
    expect(sinceMs("14:00", NOW)).toBe(NOW - 32 * 60e3);
    expect(sinceMs("2026-08-20", NOW)).toBe(new Date(2026, 7, 20).getTime());
    expect(sinceMs("25:00", NOW)).toBeNull();
    expect(sinceMs("2026-13-40", NOW)).toBeNull();
  });

  it("keeps quoted words together and toggles a token", () => {
    expect(wordsOf('queue:"my queue" "two words" x')).toEqual(['queue:"my queue"', '"two words"', "x"]);
    expect(toggled("x queue:a", "queue:a")).toBe("x");
    expect(toggled("x", "queue:a")).toBe("queue:a x");
  });

  it("asks the daemon for what it can answer", () => {
    expect(queryOf(parse("state:failed,running user:me queue:a text", NOW), EYES, true)).toEqual({
      state: ["failed"],
      queue: "a",
      tenant: "mei",
    });
    expect(queryOf(parse("user:jonas -queue:a", NOW), EYES, false)).not.toHaveProperty("tenant");
  });

  it("completes keys, then values, and more values behind a comma", () => {
    const known = {
      states: ["failed", "held"],
      users: ["mei"],
      queues: ["two words"],
      tags: [],
      gpus: ["0"],
      reasons: [],
    };
    expect(completions("st", known)).toEqual(["state:"]);
    expect(completions("state:f", known)).toEqual(["state:failed"]);
    expect(completions("state:failed,h", known)).toEqual(["state:failed,held"]);
    expect(completions("-queue:", known)).toEqual(['-queue:"two words"']);
    expect(completions("python", known)).toEqual([]);
  });
});
