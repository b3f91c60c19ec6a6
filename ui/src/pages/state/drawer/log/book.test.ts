import { describe, expect, it } from "vitest";
import { Book } from "./book";
import type { Part, Source } from "./sources";

/** A log in memory, handed out in parts of some bytes. */
function source(bytes: Uint8Array, step: number, skip = 0): Source & { asked: number[] } {
  const asked: number[] = [];
  const read = async (offset: number): Promise<Part> => {
    asked.push(offset);
    const start = Math.max(offset, skip);
    const content = bytes.subarray(start, start + step);
    const next = start + content.length;
    return { content, start, next, isEnded: next >= bytes.length, isAnew: false };
  };
  return {
    asked,
    end: async () => bytes.length,
    read,
    span: async (from, to) => bytes.subarray(from, to),
    isFinal: () => true,
    fileName: "x",
  };
}

describe("a book", () => {
  it("holds all lines of a log, also where characters are cut by parts", async () => {
    const book = new Book(source(new TextEncoder().encode("eins\nzwölf\n完成\nopen"), 3), () => undefined);
    await book.run();
    expect(book.page).toMatchObject({
      lines: ["eins", "zwölf", "完成", "open"],
      first: 1,
      isCut: false,
      isEnded: true,
    });
  });

  it("begins near the end of a long log, and goes back from there", async () => {
    const line = `${"x".repeat(99)}\n`;
    const bytes = new TextEncoder().encode(line.repeat(200_000));
    const from = source(bytes, 1 << 20);
    const book = new Book(from, () => undefined);
    await book.run();
    expect(from.asked[0]).toBe(bytes.length - (4 << 20));
    expect(book.page.isCut).toBe(true);
    const n = book.page.lines.length;
    expect(new Set(book.page.lines).size).toBe(1);
    expect(await book.earlier()).toBeGreaterThan(20_000);
    expect(book.page.lines.length).toBeGreaterThan(n + 20_000);
  });

  it("lets the oldest lines go when there are too many, and keeps their numbers", async () => {
    const bytes = new TextEncoder().encode(Array.from({ length: 260_000 }, (_, i) => `${i + 1}\n`).join(""));
    const book = new Book(source(bytes, 1 << 20), () => undefined);
    await book.run();
    const { lines, first } = book.page;
    expect(lines.length).toBeLessThanOrEqual(250_000);
    expect(lines[0]).toBe(String(first));
    expect(lines.at(-1)).toBe("260000");
  });

  it("tells what it cannot read", async () => {
    const broken = { ...source(new Uint8Array(), 1), end: () => Promise.reject(new Error("gone")) };
    const book = new Book(broken, () => undefined);
    await book.run();
    expect(book.page.problem).toBe("gone");
  });
});
