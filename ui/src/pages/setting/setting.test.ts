import { expect, test } from "vitest";
import { conditionOf, duration } from "./alerting";
import { groupOf, isRemote } from "./groups";
import { type Act, hintParts, joined, masked, told } from "./plain";

test("a hint ends with the command that helps", () => {
  expect(hintParts("for real ones: gavelq config set gpu.provider nvml")).toEqual([
    "for real ones:",
    "gavelq config set gpu.provider nvml",
  ]);
  expect(hintParts("`dmesg` tells more where a driver hangs")).toEqual([
    "dmesg tells more where a driver hangs",
    "",
  ]);
});

test("what a channel's address keeps to itself is not shown", () => {
  expect(masked("https://me:pass@hooks.example.org/T0/secret")).toBe("https://hooks.example.org");
  expect(masked("tgram://secret/42")).toBe("tgram:…");
  expect(masked("mailto:ann@example.org")).toBe("mailto:ann@example.org");
});

test("addresses that others reach are told from those on this machine", () => {
  expect(["127.0.0.1:80", "[::1]:80", "localhost:80", null].map(isRemote)).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(["0.0.0.0:80", "lab:80", "[::]:80"].map(isRemote)).toEqual([true, true, true]);
});

test("every setting has a group, also one that is not known yet", () => {
  expect(groupOf("http.listen").id).toBe("network");
  expect(groupOf("brand.new").id).toBe("others");
});

test("an act is told in a line, without what is empty", () => {
  const act = {
    id: 1,
    at: "",
    by: "ann",
    event: "gpu_ignored",
    subject: "gpu:1",
    details: { note: "", n: 2, of: [] },
  };
  expect(told(act)).toBe("gpu ignored · gpu:1 · n 2");
});

test("what an alert waits for is told with units", () => {
  expect(conditionOf("90 for 1m")).toEqual({ most: "90", lasts: "1m" });
  expect(conditionOf("on")).toBeNull();
  expect(duration("1h30m", "en")).toBe("1 h 30 min");
  expect(duration("1d", "zh")).toBe("1 天");
  expect(duration("1G", "en")).toBe("1G");
});

test("acts are joined page by page, and begun anew where some in between are not known", () => {
  const acts = (...ids: number[]) => ids.map((id) => ({ id }) as Act);
  const ids = (list: readonly Act[]) => list.map(({ id }) => id);
  expect(ids(joined(acts(5, 4), acts(4, 5, 6), false))).toEqual([6, 5, 4]);
  expect(ids(joined(acts(5, 4), acts(2, 3), true))).toEqual([5, 4, 3, 2]);
  expect(ids(joined(acts(5, 4), acts(90, 91), false))).toEqual([91, 90]);
});
