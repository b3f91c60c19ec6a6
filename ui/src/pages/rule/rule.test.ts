import { expect, test } from "vitest";
import { isRule } from "../../parts/setting/belongs";
import { switched } from "../../parts/setting/chosen";
import { fileLines, near, yamlParts } from "./fileLines";
import { GROUPS, others } from "./rules";

test("every rule of the form belongs to this page, once", () => {
  const keys = GROUPS.flatMap((group) => group.rules.flatMap((rule) => rule.keys));
  expect(keys.filter((key) => !isRule(key))).toEqual([]);
  expect(new Set(keys).size).toBe(keys.length);
  expect(others([...keys, "rules.newer"])).toEqual(["rules.newer"]);
});

test("lines that go have the numbers of the old file, all others those of the new one", () => {
  const lines = fileLines("a: 1\nb: 2\nc: 3\n", "a: 1\nx: 0\nb: 4\nc: 3\n");
  expect(lines.map((line) => `${line.sign}${line.number} ${line.text}`)).toEqual([
    " 1 a: 1",
    "-2 b: 2",
    "+2 x: 0",
    "+3 b: 4",
    " 4 c: 3",
  ]);
});

test("what is far from a change is left out, and nothing where nothing changes", () => {
  const text = Array.from({ length: 30 }, (_, i) => `k${i}: ${i}\n`).join("");
  expect(near(fileLines(text, text))).toHaveLength(30);
  expect(near(fileLines(text, text.replace("k20: 20", "k20: 0")), 2).map((line) => line.number)).toEqual([
    19, 20, 21, 21, 22, 23,
  ]);
});

test("a line of YAML is its key, its value and its comment", () => {
  expect(yamlParts("  max_gpu: 6  # guests")).toEqual(["  max_gpu:", " 6 ", " # guests"]);
  expect(yamlParts("# the lab")).toEqual(["", "", "# the lab"]);
  expect(yamlParts("    - 4")).toEqual(["", "    - 4", ""]);
});

test("cards are switched, and all of them are none named", () => {
  const all = [0, 1, 2, 10];
  expect(switched([], 1, all)).toEqual([0, 2, 10]);
  expect(switched([0, 2, 10], 1, all)).toEqual([]);
  expect(switched([10, 0], 2, all)).toEqual([0, 2, 10]);
});
