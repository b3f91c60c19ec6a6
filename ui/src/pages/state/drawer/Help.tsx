/** What would start a waiting task sooner, each with a button that does it. */
import { type ReactNode, useState } from "react";
import { patch } from "../../../api/client";
import type { Explanation, Gpu, GpuProcess, TaskDetails } from "../../../api/types";
import { Button } from "../../../parts/Button";
import { CopyButton } from "../../../parts/Copy";
import { TaskLink } from "../../../parts/TaskLink";
import { act } from "../../../parts/Toast";
import { touch, useLive } from "../../../store/live";
import { useRights } from "../../../store/session";
import { useLanguage, useWords } from "../../../words";
import { gib, when, wholeGib } from "../../../words/format";
import { ChangeDialog } from "../newtask/ChangeDialog";
import { durationText } from "../queueOptions";
import { strangersOn } from "./gates";
import { words } from "./whyWords";

function Item({ title, text, children }: { title: ReactNode; text: ReactNode; children?: ReactNode }) {
  return (
    <li>
      <div className="grow">
        <p>{title}</p>
        <p className="second">{text}</p>
      </div>
      {children}
    </li>
  );
}

type Change = Explanation["would_start"][number];

/** What stood there before, so that it can be undone. */
function before(task: TaskDetails, change: Change["change"]): Record<string, unknown> {
  const old: Record<string, unknown> = {};
  const known = task as unknown as Record<string, unknown>;
  for (const name of Object.keys(change)) {
    const value = known[name];
    old[name] = value === undefined || (Array.isArray(value) && value.length === 0) ? null : value;
  }
  if ("gpu_count" in change && task.max_gpus !== null)
    return {
      ...old,
      gpu_count: null,
      min_gpus: task.min_gpus,
      max_gpus: task.max_gpus,
      gpu_left: task.gpu_left,
    };
  return old;
}

function useTold(task: TaskDetails): (change: Change) => string {
  const t = useWords(words);
  return ({ change, text }) => {
    const [name, value] = Object.entries(change)[0] ?? ["", null];
    const put = { id: task.id, old: task.gpu_count };
    switch (name) {
      case "queue":
        return t("c_queue", { v: String(value) });
      case "gpu_count":
        return t("c_gpu_count", { ...put, v: String(value) });
      case "memory_mib":
        return t("c_memory_mib", { v: wholeGib(value as number) });
      case "gpu_ids":
        return t("c_gpu_ids");
      case "max_util":
        return t("c_max_util");
      case "share":
        return t("c_share", put);
      case "time_limit_s":
        return t("c_time_limit_s", { v: durationText(value as number) });
      default:
        return text;
    }
  };
}

function Wish({ task, change, refused }: { task: TaskDetails; change: Change; refused: string | null }) {
  const t = useWords(words);
  const told = useTold(task);
  const path = `/api/tasks/${task.id}`;
  const apply = () =>
    act(
      async () => {
        await patch(path, change.change, { etag: task.etag });
        touch(task.id);
      },
      t("changed", { id: task.id }),
      () => patch(path, before(task, change.change)),
    );
  const queue = change.change.queue;
  return (
    <Item title={told(change)} text={t("wouldStart")}>
      <Button size="small" refused={refused} onClick={() => void apply()}>
        {typeof queue === "string" ? t("setQueue", { name: queue }) : t("apply")}
      </Button>
    </Item>
  );
}

function Stranger({ gpu, process, id }: { gpu: Gpu; process: GpuProcess; id: number }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const host = useLive((live) => live.host?.name ?? "");
  const since = process.since ?? process.started_at;
  const put = {
    user: process.user ?? t("somebody"),
    pid: process.pid,
    gpu: gpu.index,
    mem: gib(process.memory_mib),
    program: (process.command.split(" ")[0] ?? "").split("/").at(-1) ?? "",
    at: since === null ? "–" : when(since, language),
    host,
    id,
  };
  return (
    <Item title={t("strangerEnds", put)} text={t("strangerFrees", put)}>
      <CopyButton text={t("message", put)}>{t("copyMessage")}</CopyButton>
    </Item>
  );
}

function Conditions({ task, why, refused }: { task: TaskDetails; why: Explanation; refused: string | null }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { isAdmin } = useRights();
  const closed = new Set(why.gates.filter((gate) => !gate.passed).map((gate) => gate.gate));
  const by = useLive((live) => live.queues.find(({ name }) => name === task.queue)?.paused_by);
  const queue = `/api/queues/${encodeURIComponent(task.queue)}`;
  const resume = () =>
    act(
      () => patch(queue, { paused: false }),
      t("resumed", { name: task.queue }),
      () => patch(queue, { paused: true }),
    );
  const dropTime = () =>
    act(
      () => patch(`/api/tasks/${task.id}`, { not_before: null }, { etag: task.etag }),
      t("changed", { id: task.id }),
      () => patch(`/api/tasks/${task.id}`, { not_before: task.not_before }),
    );
  return (
    <>
      {closed.has("queue_paused") && (
        <Item
          title={t("resume", { name: task.queue })}
          text={by ? t("resumeBy", { name: by.replace(/ \(.*/, "") }) : t("resumeText")}
        >
          <Button size="small" refused={isAdmin ? null : t("onlyAdmin")} onClick={() => void resume()}>
            {t("resume", { name: task.queue })}
          </Button>
        </Item>
      )}
      {closed.has("begin_time") && task.not_before !== null && (
        <Item title={t("dropTime")} text={t("dropTimeText", { at: when(task.not_before, language) })}>
          <Button size="small" refused={refused} onClick={() => void dropTime()}>
            {t("apply")}
          </Button>
        </Item>
      )}
      {task.dependencies
        .filter((one) => one.is_open)
        .map((one) => (
          <Item
            key={one.task_id}
            title={<TaskLink id={one.task_id} />}
            text={t("waitsFor", { id: one.task_id, how: t(one.kind) })}
          />
        ))}
    </>
  );
}

const MOST = 6;

export function Help({ task, why }: { task: TaskDetails; why: Explanation }) {
  const t = useWords(words);
  const gpus = useLive((live) => live.gpus);
  const { maySubmit } = useRights();
  const [isEditing, setEditing] = useState(false);
  const refused = maySubmit ? null : t("viewer");
  const strangers = strangersOn(why, gpus).flatMap((gpu) =>
    gpu.processes
      .filter((process) => process.task_id === null && !process.is_ignored)
      .map((process) => ({ gpu, process })),
  );
  return (
    <section>
      <div className="row why-head">
        <h3 className="grow">{t("help")}</h3>
        <Button size="small" icon="edit" refused={refused} onClick={() => setEditing(true)}>
          {t("editRequest")}
        </Button>
      </div>
      {why.would_start.length === 0 && <p className="second why-none">{t("noHelp")}</p>}
      <ul className="why-help">
        {why.would_start.slice(0, MOST).map((change) => (
          <Wish key={change.text} task={task} change={change} refused={refused} />
        ))}
        <Conditions task={task} why={why} refused={refused} />
        {strangers.slice(0, MOST).map(({ gpu, process }) => (
          <Stranger key={`${gpu.uuid} ${process.pid}`} gpu={gpu} process={process} id={task.id} />
        ))}
      </ul>
      {isEditing && (
        <ChangeDialog task={task} kind="edit" onClose={() => setEditing(false)} onDone={() => undefined} />
      )}
    </section>
  );
}
