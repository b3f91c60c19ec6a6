/** A queue's options, or those of a new one. */
import { useEffect, useState } from "react";
import { Problem, patch, post, remove, send } from "../../api/client";
import type { Queue } from "../../api/types";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { Refusal } from "../../parts/Refusal";
import { act } from "../../parts/Toast";
import { useOnce } from "../../parts/useOnce";
import { type Pair, useWords } from "../../words";
import { changed, durationText, type Options, optionsOf } from "./queueOptions";
import "./dialogs.css";

const words = {
  edit: ["Options of queue {name}", "队列 {name} 的选项"],
  add: ["New queue", "新建队列"],
  name: ["Name", "名称"],
  priority: ["Priority", "优先级"],
  priorityHint: ["0 to 9; higher goes first", "0 到 9，数值大者优先"],
  max_running: ["Tasks at once", "并行任务数"],
  max_gpus: ["GPUs at once", "并行 GPU 数"],
  max_util: ["Start below utilisation", "启动时利用率上限"],
  mem_value: ["Free memory at start", "启动时空闲显存"],
  mem_type: ["Free memory is", "空闲显存单位"],
  ignore: ["not looked at", "不检查"],
  absolute: ["in MiB", "MiB"],
  percentage: ["in per cent", "百分比"],
  time_limit: ["Default time limit", "默认时限"],
  max_time_limit: ["Longest time limit", "最长时限"],
  idle_after: ["Idle after", "空闲判定"],
  idle_action: ["When idle", "空闲时"],
  warn: ["warn", "警告"],
  notify: ["notify", "通知"],
  requeue: ["put it back", "放回队列"],
  end: ["end it", "结束任务"],
  retries: ["Retries", "重试次数"],
  empty: ["empty: no limit", "留空：不限"],
  duration: ["2h, 1d12h; empty: none", "2h、1d12h；留空：无"],
  percent: ["per cent; empty: no limit", "百分比；留空：不限"],
  retriesHint: ["empty: as configured", "留空：按配置"],
  pool: ["Runs on the pool while it owns no GPUs", "没有独占 GPU 时使用共享池"],
  lend: ["Lends its idle GPUs", "借出空闲的 GPU"],
  hold: ["Holds its tasks; they start when released", "挂起其任务，放行后启动"],
  paused: ["Paused: nothing more starts from it", "已暂停：不再启动其任务"],
  cancel: ["Cancel", "取消"],
  save: ["Save", "保存"],
  create: ["Create queue", "创建队列"],
  saved: ["Queue {name} changed", "队列 {name} 已更改"],
  created: ["Queue {name} created", "队列 {name} 已创建"],
} as const satisfies Record<string, Pair>;

type Draft = Record<string, string | boolean>;

const TEXTS = [
  ["priority", "priorityHint"],
  ["max_running", "empty"],
  ["max_gpus", "empty"],
  ["max_util", "percent"],
  ["time_limit", "duration"],
  ["max_time_limit", "duration"],
  ["retries", "retriesHint"],
  ["idle_after", "duration"],
] as const;
const FLAGS = ["pool", "lend", "paused", "hold"] as const;
const CHOICES = [
  ["idle_action", ["warn", "notify", "requeue", "end"]],
  ["mem_type", ["ignore", "absolute", "percentage"]],
] as const;
const DURATIONS = ["time_limit", "max_time_limit", "idle_after"];

const FRESH: Options = {
  ...Object.fromEntries(TEXTS.map(([name]) => [name, null])),
  priority: 0,
  pool: true,
};

function draftOf(queue: Queue | null): Draft {
  const options: Options = queue === null ? FRESH : optionsOf(queue);
  const draft: Draft = { name: "" };
  for (const [name] of TEXTS) draft[name] = options[name] === null ? "" : String(options[name] ?? "");
  draft.time_limit = durationText(queue?.time_limit_s ?? null);
  draft.max_time_limit = durationText(queue?.max_time_limit_s ?? null);
  draft.idle_after = durationText(queue?.idle_after_s ?? null);
  for (const name of FLAGS) draft[name] = options[name] === true;
  draft.idle_action = queue?.idle_action ?? "warn";
  draft.mem_type = queue?.mem_type ?? "ignore";
  draft.mem_value = String(queue?.mem_value ?? 0);
  return draft;
}

/** What is sent: numbers as numbers, nothing as null or `none`. The daemon checks the rest. */
function requestOf(draft: Draft): Options {
  const request: Options = {};
  for (const [name, value] of Object.entries(draft)) {
    if (name === "name") continue;
    if (typeof value === "boolean") request[name] = value;
    else if (DURATIONS.includes(name)) request[name] = value.trim() || "none";
    else
      request[name] = value.trim() === "" ? null : /^\d+$/.test(value.trim()) ? Number(value) : value.trim();
  }
  return request;
}

export function QueueDialog({ queue, onClose }: { queue: Queue | null; onClose: () => void }) {
  const t = useWords(words);
  const [first] = useState(() => draftOf(queue));
  const [draft, setDraft] = useState(first);
  const [etag, setEtag] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const at = `/api/queues/${encodeURIComponent(queue?.name ?? String(draft.name))}`;
  useEffect(() => {
    if (queue === null) return;
    send("GET", `/api/queues/${encodeURIComponent(queue.name)}`).then(
      (reply) => setEtag(reply.headers.get("ETag")),
      () => undefined,
    );
  }, [queue]);
  const put = (name: string, value: string | boolean) => {
    setProblem(null);
    setDraft({ ...draft, [name]: value });
  };
  const text = (name: string, hint: keyof typeof words | null) => (
    <Field
      key={name}
      label={t(name as keyof typeof words)}
      hint={hint && t(hint)}
      problem={problem?.field === name ? problem.message : null}
    >
      {(control) => (
        <input
          {...control}
          className="input"
          value={String(draft[name])}
          onChange={(event) => put(name, event.target.value)}
        />
      )}
    </Field>
  );
  const save = useOnce(async () => {
    const after = changed(queue === null ? {} : requestOf(first), requestOf(draft));
    const before = changed(requestOf(draft), requestOf(first));
    const name = queue?.name ?? String(draft.name).trim();
    const doing = async () => {
      if (queue !== null) await patch(at, after, { etag });
      else await post("/api/queues", { ...after, name });
    };
    try {
      await doing();
    } catch (error) {
      setProblem(error instanceof Problem ? error : null);
      return;
    }
    onClose();
    const undo = () => (queue === null ? remove(at) : patch(at, before));
    await act(async () => undefined, t(queue === null ? "created" : "saved", { name }), undo);
  });
  const isShown = (field: string | null) =>
    field === "name"
      ? queue === null
      : TEXTS.some(([name]) => name === field) || (field === "mem_value" && draft.mem_type !== "ignore");
  const isSame = queue !== null && Object.keys(changed(requestOf(first), requestOf(draft))).length === 0;
  const isBuiltIn = queue?.name === "running" || queue?.name === "waiting";
  return (
    <Dialog title={queue === null ? t("add") : t("edit", { name: queue.name })} onClose={onClose} isWide>
      <form className="stack dialog-text" action={save}>
        {queue === null && text("name", null)}
        <div className="fields">
          {TEXTS.map(([name, hint]) => text(name, hint))}
          {CHOICES.map(([name, options]) => (
            <Field key={name} label={t(name)}>
              {(control) => (
                <select
                  {...control}
                  className="select"
                  value={String(draft[name])}
                  onChange={(event) => put(name, event.target.value)}
                >
                  {options.map((option) => (
                    <option key={option} value={option}>
                      {t(option)}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          ))}
          {draft.mem_type !== "ignore" && text("mem_value", null)}
        </div>
        <div className="stack">
          {FLAGS.filter((flag) => flag !== "hold" || !isBuiltIn).map((name) => (
            <label key={name} className="check">
              <input
                type="checkbox"
                checked={draft[name] === true}
                onChange={(event) => put(name, event.target.checked)}
              />
              {t(name)}
            </label>
          ))}
        </div>
        <Refusal text={isShown(problem?.field ?? null) ? null : (problem?.message ?? null)} />
        <div className="row dialog-end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button
            kind="primary"
            type="submit"
            disabled={isSame || (queue === null && !String(draft.name).trim())}
          >
            {t(queue === null ? "create" : "save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
