/** What is done to queues from their lanes, with what takes it back. */
import { get, patch, path, post, remove as requestRemoval } from "../../api/client";
import { type Queue, ROW_FIELDS, type Row } from "../../api/types";
import { confirm } from "../../parts/Dialog";
import { act, complain } from "../../parts/Toast";
import { touch } from "../../store/live";
import { type Pair, useWords } from "../../words";
import { LIVE } from "../../words/states";
import { optionsOf } from "./queueOptions";
import { Victims } from "./Victims";
import { each, wholly } from "./verbs";

/** The most that one answer lists. */
const MOST = 10_000;

const words = {
  one: ["1 task", "1 个任务"],
  many: ["{n} tasks", "{n} 个任务"],
  paused: ["Queue {name} paused: nothing more starts from it", "队列 {name} 已暂停，不再启动其任务"],
  resumed: ["Queue {name} resumed", "队列 {name} 已恢复"],
  holds: ["Queue {name} holds its tasks", "队列 {name} 已挂起其任务"],
  lets: ["Queue {name} lets its tasks go", "队列 {name} 已放行其任务"],
  mergeAsk: ["Merge queue {from} into {into}?", "将队列 {from} 合并到 {into}？"],
  mergeEffect: ["Move {what} to {into}", "将 {what} 移到 {into}"],
  mergeText: [
    "They wait in {into} from then on; what runs keeps its GPUs. Queue {from} stays, empty.",
    "此后它们在 {into} 中等待；运行中的任务保留其 GPU。队列 {from} 保留，但为空。",
  ],
  merged: ["{what} moved from {from} to {into}", "已将 {what} 从 {from} 移到 {into}"],
  removeAsk: ["Delete queue {name}?", "删除队列 {name}？"],
  removeText: [
    "It is empty. Its GPUs ({gpus}) go back to the pool.",
    "该队列为空。其 GPU（{gpus}）将归还共享池。",
  ],
  removeEffect: ["Delete queue {name}", "删除队列 {name}"],
  removed: ["Queue {name} deleted", "队列 {name} 已删除"],
  none: ["none", "无"],
} as const satisfies Record<string, Pair>;

export interface QueueActs {
  /** Pause it, or let it go on. */
  pause: (queue: Queue) => Promise<unknown>;
  /** Make it a queue that holds its tasks, or no longer. */
  hold: (queue: Queue) => Promise<unknown>;
  merge: (from: string, into: string) => Promise<unknown>;
  remove: (queue: Queue) => Promise<unknown>;
}

const at = (name: string) => `/api/queues/${encodeURIComponent(name)}`;

export function useQueueActs(): QueueActs {
  const t = useWords(words);
  const set = (queue: Queue, change: Partial<Queue>, before: Partial<Queue>, done: string) =>
    act(
      () => patch(at(queue.name), change),
      done,
      () => patch(at(queue.name), before),
    );
  return {
    pause: (queue) =>
      set(
        queue,
        { paused: !queue.paused },
        { paused: queue.paused },
        t(queue.paused ? "resumed" : "paused", { name: queue.name }),
      ),
    hold: (queue) =>
      set(
        queue,
        { hold: !queue.hold },
        { hold: queue.hold },
        t(queue.hold ? "lets" : "holds", { name: queue.name }),
      ),
    merge: async (from, into) => {
      // Asked of the daemon, not of what the page knows: it may be a second old, and this names whom it hits.
      const fields = ROW_FIELDS.join(",");
      const inside = await get<Row[]>(
        path("/api/tasks", { queue: from, state: LIVE, fields, limit: MOST }),
      ).catch(complain);
      if (!inside) return;
      const n = inside.length;
      const put = { from, into, n, what: t(n === 1 ? "one" : "many", { n }) };
      const { isAgreed } = await confirm({
        title: t("mergeAsk", put),
        text: <Victims rows={inside} consequence={t("mergeText", put)} />,
        effect: t("mergeEffect", put),
        isDanger: false,
      });
      if (!isAgreed) return;
      await act(
        async () => {
          await post(`${at(from)}/merge`, { into });
          touch(...inside.map((row) => row.id));
        },
        t("merged", put),
        () => wholly(each(inside, (row) => post<Row>(`/api/tasks/${row.id}/move`, { queue: from }))),
      );
    },
    remove: async (queue) => {
      const { name, gpus } = queue;
      const { isAgreed } = await confirm({
        title: t("removeAsk", { name }),
        text: t("removeText", { gpus: gpus.join(", ") || t("none") }),
        effect: t("removeEffect", { name }),
      });
      if (!isAgreed) return;
      await act(
        () => requestRemoval(at(name)),
        t("removed", { name }),
        async () => {
          await post("/api/queues", { name, ...optionsOf(queue) });
          if (gpus.length) await post("/api/gpus/allocate", { queue: name, gpus: gpus.map(String) });
        },
      );
    },
  };
}
