import { expect, it } from "vitest";
import type { TaskDetails } from "../../../api/types";
import { quoted, submitLine } from "./submitLine";

const plain = {
  command: "python a.py --note 'x'",
  name: "a",
  workdir: "/w",
  queue: "running",
  gpu_ids: [],
  gpu_count: 2,
  min_gpus: null,
  max_gpus: null,
  memory_mib: 22528,
  max_util: null,
  priority: 20,
  time_limit_s: 5400,
  warn: null,
  retry: { retries: 0, backoff: "10x2..600", burst: null, on: null, on_gpu_oom: "same" },
  dependencies: [
    { task_id: 3, kind: "ok", is_open: true },
    { task_id: 4, kind: "ok", is_open: true },
  ],
  tags: ["paper x"],
  share: true,
  is_lease: false,
} as unknown as TaskDetails;

it("says the same as the task's request", () => {
  expect(submitLine(plain)).toBe(
    "gavelq submit -n a -w /w -q running -c 2 -m 22528M -p 20 -t 1h30m --after 3,4 --tag 'paper x' --share " +
      `'python a.py --note '\\''x'\\'''`,
  );
});

it("names cards once, and ranges as ranges", () => {
  expect(submitLine({ ...plain, gpu_ids: ["0", "1"] })).toContain(" -g 0,1 -m");
  expect(submitLine({ ...plain, min_gpus: 1, max_gpus: 4 })).toContain(" --min-gpus 1 --max-gpus 4 ");
});

it("says that no card is wanted", () => {
  expect(submitLine({ ...plain, gpu_count: 0 })).toContain(" -c 0 ");
});

it("is nothing for a lease", () => {
  expect(submitLine({ ...plain, is_lease: true, command: null })).toBeNull();
});

it("quotes what a shell would read otherwise", () => {
  expect([quoted("a/b.c"), quoted("$HOME"), quoted("")]).toEqual(["a/b.c", "'$HOME'", "''"]);
});
