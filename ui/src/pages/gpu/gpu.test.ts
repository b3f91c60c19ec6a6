import { describe, expect, it } from "vitest";
import type { Gpu, GpuProcess, Row } from "../../api/types";
import { blockersOf } from "./blockers";
import { sharesOf, shownState } from "./cards";
import { type Bar, type CardPlan, merged } from "./plan";

const process = (over: Partial<GpuProcess>): GpuProcess => ({
  pid: 1,
  user: "tom",
  memory_mib: 1000,
  task_id: null,
  command: "python",
  started_at: null,
  since: null,
  is_ignored: false,
  ...over,
});

const card = (over: Partial<Gpu>): Gpu =>
  ({
    index: 0,
    uuid: "GPU-0",
    state: "busy",
    memory_total_mib: 10_000,
    memory_used_mib: 0,
    tasks: [],
    n_other_tasks: 0,
    processes: [],
    unattributed_mib: 0,
    accepted_pids: [],
    claimed_by: null,
    blocks: 0,
    fault: null,
    ...over,
  }) as Gpu;

const row = (id: number, tenant: string, over: Partial<Row> = {}): [number, Row] => [
  id,
  { id, tenant, memory_mib: null, pending_detail: null, ...over } as Row,
];

const kept: CardPlan = {
  index: 0,
  uuid: "GPU-0",
  next: { kind: "starts", task_id: 7, name: "x", at: null, text: "" },
  spans: [
    {
      kind: "reserved",
      task_id: 7,
      name: "x",
      tenant: "me",
      is_own: true,
      from: "",
      to: null,
      is_limit: false,
    },
  ],
};

describe("a card's memory", () => {
  const tasks = new Map([row(1, "me"), row(2, "you"), row(7, "me", { memory_mib: 4000 })]);

  it("is mine with all that the driver adds where only my tasks hold the card", () => {
    const gpu = card({
      memory_used_mib: 5300,
      tasks: [1],
      processes: [process({ task_id: 1, memory_mib: 5000 })],
    });
    expect(sharesOf(gpu, tasks, "me", undefined)).toMatchObject({ mine: 5300, others: 0, foreign: 0 });
  });
  it("is divided by what processes tell, also where others' tasks are only counted", () => {
    const processes = [process({ task_id: 1, memory_mib: 2000 }), process({ memory_mib: 1000 })];
    const gpu = card({ memory_used_mib: 6000, tasks: [1], n_other_tasks: 1, processes });
    expect(sharesOf(gpu, tasks, "me", undefined)).toMatchObject({ mine: 2000, others: 3000, foreign: 1000 });
  });
  it("counts memory that no process accounts for as foreign, ignored processes not", () => {
    const processes = [process({ memory_mib: 500, is_ignored: true })];
    const gpu = card({ state: "free", memory_used_mib: 2500, unattributed_mib: 2000, processes });
    expect(sharesOf(gpu, tasks, "me", undefined)).toMatchObject({ mine: 0, others: 500, foreign: 2000 });
  });
  it("is reserved while the card is free, as much as the task declared", () => {
    const gpu = card({ state: "free" });
    expect(sharesOf(gpu, tasks, "me", kept).reserved).toBe(4000);
    expect(shownState(gpu, kept)).toBe("reserved");
    expect(sharesOf(card({}), tasks, "me", kept).reserved).toBe(0);
  });
});

describe("what blocks work", () => {
  it("is a foreign process that tasks wait for, with those that name it", () => {
    const gpu = card({ state: "foreign", blocks: 2, processes: [process({ pid: 4821 })] });
    const pending = [
      row(3, "me", { pending_detail: "used by tom (pid 4821, 1.0G)" })[1],
      row(4, "me", { pending_detail: "used by tom (pid 48, 1.0G)" })[1],
    ];
    expect(blockersOf(null, [gpu], pending)).toMatchObject([{ kind: "foreign", waiting: [3] }]);
  });
  it("is none where nobody waits, and a broken card always", () => {
    const calm = card({ state: "foreign", processes: [process({})] });
    const broken = card({ state: "draining", fault: "Xid 79: GPU has fallen off the bus" });
    expect(blockersOf(null, [calm, broken], []).map(({ kind }) => kind)).toEqual(["broken"]);
  });
});

describe("the plan", () => {
  const bar = (id: number, from: number, to: number | null, fill: Bar["fill"] = "mine"): Bar => ({
    kind: "running",
    ids: [id],
    text: `#${id} name`,
    fill,
    from,
    to,
  });
  it("shows tasks that share a card as one bar", () => {
    expect(merged([bar(2, 5, 20, "others"), bar(1, 0, 10)])).toEqual([
      { kind: "running", ids: [1, 2], text: "#1, #2", fill: "others", from: 0, to: 20 },
    ]);
  });
  it("knows no end where one of them has none, and keeps apart what follows", () => {
    expect(merged([bar(1, 0, null), bar(2, 5, 6)])[0]?.to).toBeNull();
    expect(merged([bar(1, 0, 5), bar(2, 5, 6)])).toHaveLength(2);
  });
});
