import { expect, test } from "vitest";
import type { Gpu } from "../../api/types";
import type { Lane, Process, Run } from "./files";
import { barsOf, ranges, stepsOf } from "./placing";

const GPU = {
  memory_total_mib: 24576,
  memory_used_mib: 0,
  memory_free_mib: 24576,
  tasks: [],
  n_other_tasks: 0,
};

function gpu(index: number, more: Partial<Gpu>): Gpu {
  return { ...GPU, index, uuid: `GPU-${index}`, state: "free", ...more } as unknown as Gpu;
}

function process(task_id: number, more: Partial<Process>): Process {
  const none = {
    end_reason: null,
    started_at: null,
    ended_at: null,
    gpus: [],
    memory_gb: 8,
    commands: ["sh a", "sh b"],
  };
  return { ...none, task_id, ...more } as unknown as Process;
}

function run(processes: Process[]): Run {
  const gpus_used = processes.filter((one) => one.ended_at === null).flatMap((one) => one.gpus);
  return { gpus_used, queues: { "1": { processes } as unknown as Lane } } as unknown as Run;
}

test("a card's memory is the run's own, others', foreign or kept for somebody", () => {
  const own = process(1, { started_at: "2026-08-01T09:00:00Z", gpus: [0] });
  const gpus = [
    gpu(0, { state: "shared", tasks: [1, 9], memory_free_mib: 8192 }),
    gpu(1, { state: "busy", n_other_tasks: 1, memory_free_mib: 0, memory_used_mib: 100 }),
    gpu(2, { state: "foreign", memory_used_mib: 4000 }),
    gpu(3, {}),
    gpu(4, {}),
  ];
  const bars = barsOf(gpus, run([own]), [{ uuid: "GPU-3", spans: [{ kind: "reserved" }] }]);
  expect(bars.map((bar) => bar.parts)).toEqual([
    [
      { kind: "mine", mib: 8192 },
      { kind: "others", mib: 8192 },
    ],
    [{ kind: "others", mib: 24576 }],
    [{ kind: "foreign", mib: 4000 }],
    [{ kind: "reserved", mib: 24576 }],
    [],
  ]);
});

test("the newest steps of a run come first, without those that never began", () => {
  const at = (s: number) => `2026-08-01T09:00:0${s}Z`;
  const steps = stepsOf(
    run([
      process(1, { started_at: at(1), ended_at: at(3), task_state: "completed", end_reason: "exit_zero" }),
      process(2, { started_at: at(4), gpus: [2] }),
      process(3, { ended_at: at(5), task_state: "aborted", end_reason: "dependency_failed" }),
    ]),
  );
  expect(steps.map((step) => [step.task, step.how, step.seconds])).toEqual([
    [2, "started", null],
    [1, "completed", 2],
    [1, "started", null],
  ]);
});

test("cards that follow each other are written as one", () => {
  expect(ranges([0, 1, 2, 3, 5, 6, "7:1"])).toBe("0–3 5 6 7:1");
  expect(ranges([])).toBe("");
});
