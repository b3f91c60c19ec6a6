/** Acts on selected tasks: asked where something ends, told in a toast, and undone where the daemon can. */
import { post } from "../../api/client";
import type { Row } from "../../api/types";
import { confirm } from "../../parts/Dialog";
import { complain, toast } from "../../parts/Toast";
import { useLive } from "../../store/live";
import { type Pair, useWords } from "../../words";
import { Victims } from "./Victims";
import { each, type Outcome, putBack, tell, type Verb, wholly } from "./verbs";

const words = {
  one: ["1 task", "1 个任务"],
  many: ["{n} tasks", "{n} 个任务"],
  kill: ["Kill {what}", "结束 {what}"],
  killAsk: ["Kill {what}?", "结束 {what}？"],
  killed: ["{what} killed", "已结束 {what}"],
  hold: ["{what} put on hold", "已挂起 {what}"],
  run: ["{what} released", "已放行 {what}"],
  move: ["{what} moved to queue {to}", "已将 {what} 移到队列 {to}"],
  priority: ["{what}: priority {to}", "{what}：优先级 {to}"],
  rerun: ["{what} submitted again as {to}", "已重新提交 {what}：{to}"],
  remove: ["Remove {what}", "移除 {what}"],
  removeAsk: ["Remove {what} and the logs?", "移除 {what} 及其日志？"],
  removed: ["{what} removed", "已移除 {what}"],
  ends: ["What runs is stopped; what waits never starts.", "运行中的将被停止，等待中的不再启动。"],
  gone: ["The rows and logs are deleted; nothing brings them back.", "记录和日志将被删除，无法恢复。"],
  refused: ["{n} of {all} refused: {text}", "{all} 个中有 {n} 个被拒绝：{text}"],
} as const satisfies Record<string, Pair>;

export interface Actions {
  act: (verb: Exclude<Verb, "move" | "priority">, rows: readonly Row[]) => Promise<boolean>;
  move: (rows: readonly Row[], queue: string) => Promise<boolean>;
  prioritize: (rows: readonly Row[], priority: number) => Promise<boolean>;
}

const all = () => useLive.getState().tasks.values();

export function useActions(): Actions {
  const t = useWords(words);
  const what = (rows: readonly Row[]) => {
    const [only] = rows;
    if (rows.length === 1 && only) return `#${only.id} ${only.name}`;
    return t(rows.length === 1 ? "one" : "many", { n: rows.length });
  };
  const told = (
    outcome: Outcome,
    key: keyof typeof words,
    to: string | number,
    undo?: () => Promise<unknown>,
  ): boolean => {
    const [problem] = outcome.problems;
    const total = outcome.done.length + outcome.problems.length;
    if (problem)
      complain(
        total === 1
          ? problem
          : t("refused", { n: outcome.problems.length, all: total, text: problem.message }),
      );
    if (outcome.done.length > 0) toast(t(key, { what: what(outcome.done), to }), undo);
    return outcome.done.length > 0;
  };
  const ask = async (verb: "kill" | "remove", rows: readonly Row[]) => {
    const title = t(verb === "kill" ? "killAsk" : "removeAsk", { what: what(rows) });
    const text = <Victims rows={rows} consequence={t(verb === "kill" ? "ends" : "gone")} />;
    return (await confirm({ title, text, effect: t(verb, { what: what(rows) }) })).isAgreed;
  };
  const act: Actions["act"] = async (verb, rows) => {
    if ((verb === "kill" || verb === "remove") && !(await ask(verb, rows))) return false;
    switch (verb) {
      case "kill":
        return told(await tell("kill", rows, all()), "killed", "");
      case "hold":
      case "run": {
        const outcome = await tell(verb, rows, all());
        return told(outcome, verb, "", () => wholly(putBack(outcome.done, all())));
      }
      case "remove":
        return told(await each(rows, (row) => post<Row>(`/api/tasks/${row.id}/remove`)), "removed", "");
      case "rerun": {
        const outcome = await each(rows, (row) => post<Row>(`/api/tasks/${row.id}/rerun`));
        const ids = outcome.answers.map((row) => `#${row.id}`);
        const to = ids.length > 4 ? `${ids.slice(0, 3).join(", ")} …` : ids.join(", ");
        return told(outcome, "rerun", to, () => wholly(tell("kill", outcome.answers, all())));
      }
    }
  };
  const move: Actions["move"] = async (rows, queue) => {
    const outcome = await each(rows, (row) => post<Row>(`/api/tasks/${row.id}/move`, { queue }));
    return told(outcome, "move", queue, () =>
      wholly(each(outcome.done, (row) => post<Row>(`/api/tasks/${row.id}/move`, { queue: row.queue }))),
    );
  };
  const prioritize: Actions["prioritize"] = async (rows, priority) => {
    const outcome = await each(rows, (row) => post<Row>(`/api/tasks/${row.id}/priority`, { priority }));
    return told(outcome, "priority", priority, () =>
      wholly(
        each(outcome.done, (row) => post<Row>(`/api/tasks/${row.id}/priority`, { priority: row.priority })),
      ),
    );
  };
  return { act, move, prioritize };
}
