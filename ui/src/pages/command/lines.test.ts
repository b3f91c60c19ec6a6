import { expect, test } from "vitest";
import { columns, countDifferent, meanings, placeOfValue, queueNames, repairOf } from "./lines";

test("each line means what the daemon's parser found", () => {
  const text = "# note\n1\npython a.py\n# between\nsh b.sh\n2 # GPUs\n20\n\n";
  const block = {
    process_index: 0,
    line: 2,
    commands: ["python a.py", "sh b.sh"],
    gpu_count: 2,
    memory_gb: 20,
  };
  expect(meanings(text, "multi", { "1": [block] })).toEqual([
    "comment",
    "queue",
    "command",
    "comment",
    "command",
    "gpus",
    "memory",
    "blank",
    "blank",
  ]);
});

test("blocks with mistakes mean nothing yet", () => {
  expect(meanings("1\npython a.py\nfoo", "single", {})).toEqual(["none", "none", "none"]);
});

test("lines that differ are counted once", () => {
  expect(countDifferent("a\nb\nc", "a\nx\nc")).toBe(1);
  expect(countDifferent("a\nb", "a\nb\nc\nd")).toBe(2);
  expect(countDifferent("a", "a")).toBe(0);
});

test("comments name queues, and comments that only explain do not", () => {
  const text = "# queue id\n1\na\n1\n\n# 队列 2：LoRA\n# Queue car - the old one \n# queue 2: later\n";
  expect([...queueNames(text)]).toEqual([
    ["2", "LoRA"],
    ["car", "the old one"],
  ]);
});

test("what was likely meant is proposed, and nothing where nobody knows", () => {
  const memory = "'x' is not an amount of GPU memory";
  expect(repairOf("  26 gigs # all", memory)).toBe("26");
  expect(repairOf("1.5 of it", memory)).toBe("1.5");
  expect(repairOf("much", memory)).toBeNull();
  expect(repairOf("-3", memory)).toBeNull();
  expect(repairOf("2 gpus", "'2 gpus' is not a number of GPUs")).toBe("2");
  expect(repairOf("1.5", "'1.5' is not a number of GPUs")).toBeNull();
  expect(repairOf("lane one # x", "'lane one' is not a queue id")).toBe("lane-one");
  expect(repairOf("b", "the block ends after 2 line(s)")).toBeNull();
});

test("the value of a line is found without its comment, and wide characters count twice", () => {
  const text = "1\na\n  26 gigs # all\n";
  expect(text.slice(...placeOfValue(text, 3))).toBe("26 gigs");
  expect(columns("a队\tb")).toBe(9);
});
