import { expect, test } from "vitest";
import { changed } from "./queueOptions";

test("only what changed is sent, and how much memory where its unit changed", () => {
  const before = { pool: true, mem_type: "percentage", mem_value: 50 };
  expect(changed(before, { ...before, pool: false })).toEqual({ pool: false });
  expect(changed(before, { ...before, mem_type: "absolute" })).toEqual({
    mem_type: "absolute",
    mem_value: 50,
  });
});
