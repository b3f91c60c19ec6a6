import { describe, expect, it } from "vitest";
import { find, LineCutter, plainLine } from "./lines";

const ESC = String.fromCharCode(27);

describe("a line of a log", () => {
  it("loses its colours, titles and control characters", () => {
    const bell = String.fromCharCode(7);
    expect(plainLine(`${ESC}[1;31merror${ESC}[0m: ${ESC}]0;title${bell}a\tb${bell}${ESC}[2K`)).toBe(
      "error: a\tb",
    );
  });
  it("is the last state of a progress bar", () => {
    expect(plainLine("10%\r20%\r30%\r")).toBe("30%");
    expect(plainLine("text\r")).toBe("text");
    expect(plainLine("\r\r")).toBe("");
  });
  it("is cut where nobody would read it", () => {
    expect(plainLine("x".repeat(10_000))).toMatch(/ … \(\+1808\)$/);
  });
});

describe("text that comes in", () => {
  it("is cut into lines wherever a part ends, colours included", () => {
    const cutter = new LineCutter();
    expect(cutter.take(`a\n${ESC}[3`)).toEqual(["a"]);
    expect(cutter.take("1mred")).toEqual([]);
    expect(cutter.open).toBe("red");
    expect(cutter.take("\n\nend\n")).toEqual(["red", "", "end"]);
    expect(cutter.open).toBeNull();
  });
  it("does not grow with a bar that never ends", () => {
    const cutter = new LineCutter();
    for (let i = 0; i < 20_000; i++) cutter.take(`\rstep ${i} of many`);
    expect(cutter.open).toBe("step 19999 of many");
  });
});

it("finds text whatever its case and characters", () => {
  expect(find(["Loss (a)", "loss a", "LOSS (A) 2"], "loss (A)")).toEqual([0, 2]);
});
