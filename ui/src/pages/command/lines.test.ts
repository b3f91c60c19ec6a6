import { expect, test } from "vitest";
import { countDifferent, meanings } from "./lines";

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
