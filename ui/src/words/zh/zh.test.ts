import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { END_REASONS, PENDING_REASONS } from "../reasons";
import { CARDS, card } from "./cards";
import { ENDS, end } from "./ends";
import { inChinese } from "./faults";
import { problem } from "./problems";
import { text } from "./texts";
import { WAITS, wait } from "./waits";

const SOURCES = join(__dirname, "..", "..", "..", "..", "src", "gavelq");
const read = (...path: string[]) => readFileSync(join(SOURCES, ...path), "utf8");

/** The values of a Python enumeration. */
function members(source: string, name: string): string[] {
  const body =
    new RegExp(`^class ${name}\\(StrEnum\\):\\n((?:(?:    .*)?\\n)+)`, "m").exec(source)?.[1] ?? "";
  return [...body.matchAll(/^ {4}[A-Z_]+ = "(\w+)"/gm)].map(([, value]) => value ?? "");
}

const isEnglish = (words: string) => /[a-z]{2,} [a-z]{2,} [a-z]{2,}/.test(words);

describe("every code of the daemon has Chinese words", () => {
  it("why a task waits", () => {
    const reasons = members(read("scheduling", "reasons.py"), "Reason");
    expect(reasons.length).toBeGreaterThan(15);
    const told = new Set(Object.keys(WAITS).map((key) => key.split(".")[0]));
    expect(reasons.filter((one) => !told.has(one) || PENDING_REASONS[one] === undefined)).toEqual([]);
  });

  it("how a task ended", () => {
    const reasons = members(read("core", "lifecycle.py"), "EndReason");
    expect(reasons.length).toBeGreaterThan(20);
    expect(reasons.filter((one) => ENDS[one] === undefined || END_REASONS[one] === undefined)).toEqual([]);
  });

  it("why a card does not do", () => {
    const files = readdirSync(join(SOURCES, "scheduling")).filter((name) => name.endsWith(".py"));
    const all = files.map((name) => read("scheduling", name)).join("\n");
    const closed = /def _unavailable[\s\S]*?\n\n\n/.exec(all)?.[0] ?? "";
    const found = [
      ...[...all.matchAll(/"cause": "(\w+)"/g)].map(([, cause]) => cause ?? ""),
      ...[...closed.matchAll(/return .*, "(\w+)"$/gm)].map(([, cause]) => cause ?? ""),
    ];
    expect(found.length).toBeGreaterThan(15);
    expect(found.filter((cause) => CARDS[cause] === undefined)).toEqual([]);
  });
});

describe("why a task waits", () => {
  it("is told with the numbers of the details", () => {
    const busy = { cause: "busy", percent: 97, most: 10, n_gpus: 1 };
    const held = (task: number) => ({ cause: "held", tasks: [task], n: 1, n_gpus: 1 });
    const more = { cause: "more", n_gpus: 2 };
    expect(wait("gpu_count", { need: 2, fitting: 0, own: 4, causes: [held(3), held(4), more] })).toBe(
      "空闲的 GPU 不足：需要 2 张，现有 0 张满足：被任务 3、4 占用；另有 2 张不可用",
    );
    expect(wait("gpu_busy", { need: 1, fitting: 0, causes: [busy, busy] })).toBe(
      "GPU 利用率过高：需要 1 张，现有 0 张满足：利用率 97%，上限 10%（2 张）",
    );
    expect(wait("gpu_memory", { out: 1, left: 1, need: 2 })).toBe("空闲显存不足：需要 2 张，只剩 1 张");
    expect(wait("queue_limit", { queue: "a", limit: "max_gpus", value: 2, used: 1, need: 2 })).toBe(
      "队列 a 已用 1 张 GPU，还需 2 张，上限 max_gpus 为 2",
    );
    expect(wait("dependency", { waits_for: [{ task: 3, kind: "ok" }], n: 1 })).toBe("等待任务 3 成功完成");
  });

  it("names no task of another tenant, whose id is not told", () => {
    expect(card({ cause: "held", tasks: [], n: 2 })).toBe("被其他租户的 2 个任务占用");
    expect(wait("priority", { holder: null, held: 2, until: null, is_strict: true })).toBe(
      "有合适的 GPU，但其他租户的任务排在它前面，且不允许提前（scheduling.backfill）",
    );
  });

  it("is left to the daemon's own text where a value or a code is not known", () => {
    expect(wait("queue_paused", {})).toBeNull();
    expect(wait("something_new", { queue: "a" })).toBeNull();
    expect(wait("gpu_count", { need: 1, fitting: 0, causes: [{ cause: "new" }] })).toBe(
      "空闲的 GPU 不足：需要 1 张，现有 0 张满足",
    );
  });
});

describe("ends and refusals", () => {
  it("are told with the details in the same language where they are known", () => {
    expect(end("cancelled_by_user", { exitCode: null, signal: 15, detail: "asked by ada" })).toBe(
      "由所有者取消（由 ada 要求）",
    );
    expect(end("code_error", { exitCode: 1, signal: null, detail: "ImportError: x" })).toContain(
      "ImportError: x",
    );
    expect(text("asked by ada; the grace time was over: KILL")).toBe("由 ada 要求；宽限时间已过：KILL");
    expect(text("something new")).toBeNull();
  });

  it("tell the code's sentence and what to do", () => {
    expect(problem("task_not_found", { task_id: 7 }, "", null)).toBe(
      "任务 7 不存在（列出所有任务：gavelq task list --all）",
    );
    const ended = { what: "task 7", state: "completed", problem: "it has ended; ends never reopen" };
    expect(problem("wrong_state", ended, "", "run it again as a new task with: gavelq task rerun 7")).toBe(
      "任务 7（完成）：任务已结束，不会重新开始（可用：gavelq task rerun 7）",
    );
    expect(problem("not_allowed", { action: "x", why: "y" }, "", "ask an admin of gavelq")).toBe(
      "没有权限执行此操作（请联系 gavelq 管理员）",
    );
    expect(problem("refused", { problem: "something new" }, "", null)).toBeNull();
    expect(problem("unknown_code", {}, "", null)).toBeNull();
  });

  it("tell every mistake of a request", () => {
    const mistakes = [{ field: "memory", problem: "'abc' is not an amount of memory", hint: "" }];
    expect(problem("invalid_tasks", { mistakes }, "", null)).toContain("memory：'abc' 不是有效的内存大小");
    expect(problem("unauthenticated", {}, "this token is not known", null)).toContain("令牌无效");
  });

  it("tell what alerts say", () => {
    expect(text("GPU 3 (left): it is lost; look at it, then: gavelq gpu unignore 3")).toBe(
      "GPU 3 (left)：已丢失；检查后：gavelq gpu unignore 3",
    );
    expect(text("task 7 has waited in queue vision for 2h05m")).toBe("任务 7 在队列 vision 中已等待 2h05m");
  });

  it("tell what an expected start is based on", () => {
    const known = [
      "time limits (4); 1 task(s) are ahead of it",
      "max_gpus of queue a and learned run times (2) and time limits (4); 0 task(s) are ahead of it",
      "free GPUs; 0 task(s) are ahead of it",
      "task 3 is in its way, which has no time limit and no learned run time",
      "it cannot start while: queue a is paused; resume it with: gavelq queue resume a",
      "another tenant's task comes first in its lane, and of it is known: more than 5000 tasks are ahead of it",
    ];
    for (const words of known) expect(isEnglish(text(words) ?? words), words).toBe(false);
  });
});

describe("the daemon's texts of faults", () => {
  it("are told in Chinese where they are known, and as they are where not", () => {
    expect(inChinese("Xid 79: GPU has fallen off the bus")).toBe("Xid 79：GPU 已从总线脱落");
    expect(inChinese("2 new uncorrected ECC errors")).toBe("新增 2 个不可纠正的 ECC 错误");
    expect(inChinese("process 7 used GPU 3, which the task does not hold")).toBe(
      "进程 7 使用了任务未持有的 GPU 3",
    );
    expect(inChinese("Xid 999: something new")).toBe("Xid 999: something new");
  });
});
