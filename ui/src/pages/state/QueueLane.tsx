/** One queue as a lane. */
import { type DragEvent, useMemo, useState } from "react";
import type { Queue } from "../../api/types";
import { Button } from "../../parts/Button";
import { TaskGlyph } from "../../parts/Glyph";
import { Icon } from "../../parts/Icon";
import { Menu } from "../../parts/Menu";
import { useLive } from "../../store/live";
import { useRights } from "../../store/session";
import { type Pair, useLanguage, useWords } from "../../words";
import { hours, when } from "../../words/format";
import { quoted, wordsOf } from "./filter";
import { cardsOf, heldBy, ranges } from "./lanes";
import type { QueueActs } from "./useQueueActs";

const words = {
  running: ["running", "运行中"],
  paused: ["paused", "已暂停"],
  pausedBy: ["paused by {name}", "由 {name} 暂停"],
  since: ["Paused since {at}", "{at} 起暂停"],
  isHold: ["hold queue", "挂起队列"],
  run: ["run", "运行"],
  pending: ["pending", "等待"],
  held: ["held", "挂起"],
  pool: ["pool: GPU {gpus}", "共享池：GPU {gpus}"],
  owns: ["owns GPU {gpus}", "独占 GPU {gpus}"],
  noCards: ["no GPUs", "没有 GPU"],
  use: ["{n} of {all} GPUs", "{n} / {all} 张 GPU"],
  busy: ["{n} of {all} GPUs in use", "{n} / {all} 张 GPU 使用中"],
  useOne: ["{n} of 1 GPU", "{n} / 1 张 GPU"],
  never: ["never dispatches", "从不调度"],
  lends: ["lends", "可借出"],
  serial: ["one at a time", "串行"],
  atOnce: ["{n} at once", "并行 {n}"],
  gpus: ["≤ {n} GPUs", "≤ {n} 张 GPU"],
  util: ["util ≤ {n}\u2009%", "利用率 ≤ {n}\u2009%"],
  limit: ["≤ {time} each", "每个 ≤ {time}"],
  prio: ["prio {n}", "优先级 {n}"],
  pause: ["Pause queue {name}", "暂停队列 {name}"],
  resume: ["Resume queue {name}", "恢复队列 {name}"],
  stop: ["Pause", "暂停"],
  go: ["Resume", "恢复"],
  menu: ["More about queue {name}", "队列 {name} 的更多操作"],
  edit: ["Edit options", "编辑选项"],
  merge: ["Merge into", "合并到"],
  hold: ["Hold its tasks", "挂起其任务"],
  unhold: ["Let its tasks go", "放行其任务"],
  add: ["New queue", "新建队列"],
  remove: ["Delete queue", "删除队列"],
  builtIn: ["It is built in", "内置队列"],
  notEmpty: ["Merge its tasks into another queue first", "请先将其任务合并到其他队列"],
  show: ["Show the tasks of queue {name}", "显示队列 {name} 的任务"],
  drag: ["Drop it on another queue to merge", "拖到其他队列以合并"],
} as const satisfies Record<string, Pair>;

export const DRAGGED = "text/x-gavelq-queue";
const BUILT_IN = ["running", "waiting"];

interface Props {
  queue: Queue;
  refused: string | null;
  filter: string;
  onFilter: (token: string) => void;
  acts: QueueActs;
  onEdit: () => void;
  onNew: () => void;
  onMerge: () => void;
}

function useLimits(): (queue: Queue) => string {
  const t = useWords(words);
  return (queue) => {
    if (queue.hold) return "";
    const parts: string[] = [];
    if (queue.max_running !== null)
      parts.push(queue.max_running === 1 ? t("serial") : t("atOnce", { n: queue.max_running }));
    if (queue.max_gpus !== null) parts.push(t("gpus", { n: queue.max_gpus }));
    if (queue.max_util !== null) parts.push(t("util", { n: queue.max_util }));
    if (queue.max_time_limit_s !== null) parts.push(t("limit", { time: hours(queue.max_time_limit_s) }));
    if (queue.lend) parts.push(t("lends"));
    if (parts.length === 0 || queue.priority !== 0) parts.push(t("prio", { n: queue.priority }));
    return parts.join(" · ");
  };
}

export function QueueLane(props: Props) {
  const { queue, refused, acts } = props;
  const { name } = queue;
  const t = useWords(words);
  const { tenant, isAdmin } = useRights();
  const gpus = useLive((live) => live.gpus);
  const tasks = useLive((live) => live.tasks);
  const language = useLanguage((choice) => choice.language);
  const limitsOf = useLimits();
  const [isTarget, setTarget] = useState(false);
  const use = useMemo(() => heldBy(queue, gpus, tasks.values(), tenant), [queue, gpus, tasks, tenant]);
  const cards = cardsOf(queue, gpus);
  const token = `queue:${quoted(name)}`;
  const isShown = wordsOf(props.filter).includes(token);
  const isBuiltIn = BUILT_IN.includes(name);
  const nInside = queue.n_pending + queue.n_running + queue.n_held;
  const place = queue.hold
    ? t("isHold")
    : cards.length === 0
      ? t("noCards")
      : t(queue.gpus.length ? "owns" : "pool", { gpus: ranges(cards) });
  const paused = queue.paused_by
    ? t("pausedBy", { name: queue.paused_by.replace(/ \(.*/, "") })
    : t("paused");
  const since = queue.paused_at && t("since", { at: when(queue.paused_at, language) });
  const counts = [
    `${queue.n_running} ${t("run")}`,
    `${queue.n_pending} ${t("pending")}`,
    `${queue.n_held} ${t("held")}`,
  ].join(" · ");
  const limits = limitsOf(queue);
  const over = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes(DRAGGED)) return;
    event.preventDefault();
    setTarget(true);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setTarget(false);
    const from = event.dataTransfer.getData(DRAGGED);
    if (from && from !== name) void acts.merge(from, name);
  };
  const state = queue.hold ? "held" : queue.paused ? "paused" : "running";
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the menu does the same without a mouse
    <div
      className={`card lane ${isTarget ? "target" : ""} ${isShown ? "shown" : ""}`}
      data-queue={name}
      data-state={state}
      draggable={refused === null}
      title={refused === null ? t("drag") : undefined}
      onDragStart={(event) => event.dataTransfer.setData(DRAGGED, name)}
      onDragOver={over}
      onDragLeave={() => setTarget(false)}
      onDrop={drop}
    >
      <div className="row lane-head">
        {state === "paused" ? (
          <span className="role-wait">
            <Icon name="pause" />
          </span>
        ) : (
          <TaskGlyph state={queue.hold ? "held" : "running"} part={0.38} />
        )}
        <button
          type="button"
          className="lane-name cut"
          aria-pressed={isShown}
          aria-label={t("show", { name })}
          onClick={() => props.onFilter(token)}
        >
          {name}
        </button>
        <span className="lane-short push">
          {queue.hold ? queue.n_held : `${queue.n_running} + ${queue.n_pending}`}
        </span>
        {!queue.hold && (
          <Button
            icon={queue.paused ? "play" : "pause"}
            onlyIcon
            kind="plain"
            size="small"
            className="push lane-pause"
            refused={refused}
            onClick={() => void acts.pause(queue)}
          >
            {t(queue.paused ? "resume" : "pause", { name })}
          </Button>
        )}
        <Menu
          label={t("menu", { name })}
          size="small"
          choices={[
            queue.hold
              ? null
              : {
                  text: t(queue.paused ? "go" : "stop"),
                  icon: queue.paused ? "play" : "pause",
                  act: () => void acts.pause(queue),
                  refused,
                },
            { text: t("edit"), icon: "edit", act: props.onEdit, refused },
            { text: t("merge"), icon: "right", act: props.onMerge, refused },
            queue.hold
              ? {
                  text: t("unhold"),
                  icon: "play",
                  act: () => void acts.hold(queue),
                  refused: refused ?? (isBuiltIn ? t("builtIn") : null),
                }
              : {
                  text: t("hold"),
                  icon: "pause",
                  act: () => void acts.hold(queue),
                  refused: refused ?? (isBuiltIn ? t("builtIn") : null),
                },
            { text: t("add"), icon: "plus", act: props.onNew, refused },
            {
              text: t("remove"),
              icon: "trash",
              act: () => void acts.remove(queue),
              refused: refused ?? (isBuiltIn ? t("builtIn") : nInside > 0 ? t("notEmpty") : null),
            },
          ]}
        />
      </div>
      <div className="lane-counts" title={counts}>
        {queue.hold ? (
          <span>
            <b>{queue.n_held}</b> {t("held")}
          </span>
        ) : (
          <span>
            <b>{queue.n_running}</b> {t("run")} · <b>{queue.n_pending}</b> {t("pending")}
            {queue.n_held > 0 && (
              <>
                {" "}
                · <b>{queue.n_held}</b> {t("held")}
              </>
            )}
          </span>
        )}
      </div>
      {queue.paused && !queue.hold ? (
        <div className="label cut" title={[queue.paused_by, since, place].filter(Boolean).join(" · ")}>
          <span className="lane-paused">{paused}</span> · {place}
        </div>
      ) : (
        <div className="label cut" title={place}>
          {place}
        </div>
      )}
      <div className="lane-bar" aria-hidden="true">
        <span className="fill-mine" style={{ width: `${(100 * use.mine) / Math.max(1, use.total)}%` }} />
        <span className="fill-others" style={{ width: `${(100 * use.others) / Math.max(1, use.total)}%` }} />
      </div>
      <div className="row label lane-foot">
        <span>
          {queue.hold
            ? t("never")
            : t(!isAdmin ? "busy" : use.total === 1 ? "useOne" : "use", {
                n: use.mine + use.others,
                all: use.total,
              })}
        </span>
        <span className="push cut" title={limits}>
          {limits}
        </span>
      </div>
    </div>
  );
}
