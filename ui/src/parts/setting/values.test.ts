import { expect, test } from "vitest";
import type { Setting } from "../../api/types";
import { read, toSend, wished, written } from "./values";

function row(kind: string, value: unknown, more: Partial<Setting> = {}): Setting {
  const base = { name: `a.${kind}`, kind, value, default: value, source: "default", help: "", wanted: "" };
  return { ...base, needs_restart: false, optional: false, choices: null, low: null, high: null, ...more };
}

test("numbers are sent as numbers, and what is none as it was typed", () => {
  expect(read(row("whole", 1), " 30 ")).toBe(30);
  expect(read(row("seconds", 1), "0.5")).toBe(0.5);
  expect(read(row("whole", 1), "many")).toBe("many");
  expect(read(row("duration", "2h"), "90")).toBe("90");
  expect(read(row("retries", "unlimited"), "unlimited")).toBe("unlimited");
});

test("an empty field is none where that may be, and empty where not", () => {
  expect(read(row("whole", 1, { optional: true }), "")).toBe(null);
  expect(read(row("whole", 1), "")).toBe("");
});

test("lists are split as they are written", () => {
  const words = row("words", ["Xorg", "kwin_*"]);
  expect(read(words, written(words, words.value))).toEqual(words.value);
  expect(read(row("urls", []), "https://a/x,y\nmailto:b@c ")).toEqual(["https://a/x,y", "mailto:b@c"]);
  expect(read(words, "")).toEqual([]);
});

test("only what differs is sent, and the default only where the file says something", () => {
  const rows = [
    row("whole", 3),
    row("flag", true, { name: "b", source: "file:4", default: false }),
    row("flag", true, { name: "c" }),
    row("words", ["a"], { name: "d" }),
  ];
  const draft = {
    "a.whole": { text: "4" },
    b: { isDefault: true },
    c: { isDefault: true },
    d: { text: "a," },
  } as const;
  expect(toSend(rows, draft)).toEqual({ values: { "a.whole": 4 }, unset: ["b"] });
  expect(rows.map((one) => wished(one, draft[one.name as keyof typeof draft]))).toEqual([
    4,
    false,
    true,
    ["a"],
  ]);
});
