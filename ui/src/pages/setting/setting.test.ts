import { expect, test } from "vitest";
import { groupOf, isRemote } from "./groups";
import { hintParts, masked, told } from "./plain";

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
    at: "",
    by: "ann",
    event: "gpu_ignored",
    subject: "gpu:1",
    details: { note: "", n: 2, of: [] },
  };
  expect(told(act)).toBe("gpu ignored · gpu:1 · n 2");
});
