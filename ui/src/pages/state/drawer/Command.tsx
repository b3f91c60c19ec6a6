/** What runs, where, with what was asked for, and the line that asks for it again. */
import { Fragment, type ReactNode } from "react";
import type { TaskDetails } from "../../../api/types";
import { CopyButton } from "../../../parts/Copy";
import { type Pair, useLanguage, useWords } from "../../../words";
import { gib, percent, span, when, wholeGib } from "../../../words/format";
import { durationText } from "../queueOptions";
import { submitLine } from "./submitLine";

const words = {
  command: ["Command", "命令"],
  lease: [
    "A lease: no command, its GPUs are for its owner's processes.",
    "租约：没有命令，GPU 供所有者的进程使用。",
  ],
  workdir: ["Directory", "工作目录"],
  log: ["Log file", "日志文件"],
  request: ["Request", "需求"],
  again: ["Submit the same again", "再次提交"],
  againHint: [
    "Its environment is not shown; the line takes that of your shell.",
    "不显示环境变量，此命令使用您终端的环境。",
  ],
  copyCommand: ["Copy", "复制"],
  gpus: ["GPUs", "GPU"],
  memory: ["Memory per GPU", "每卡显存"],
  whole: ["the whole card", "整卡"],
  shared: ["beside others", "可共享"],
  util: ["Card at most so busy", "利用率上限"],
  limit: ["Time limit", "时限"],
  none: ["none", "无"],
  warn: ["Signal before the end", "结束前信号"],
  queue: ["Queue", "队列"],
  priority: ["Priority", "优先级"],
  notBefore: ["Not before", "不早于"],
  isolation: ["Isolation", "隔离"],
  isolationOf: ["{level}, at most {p} of the compute", "{level}，至多 {p} 算力"],
  flags: ["Also", "其他"],
  preemptible: ["preemptible", "可抢占"],
  learn: ["learns its memory", "学习显存"],
  requeue: ["runs again after a reboot", "重启后重新运行"],
  tags: ["Tags", "标签"],
  notify: ["Notify", "通知"],
  params: ["Parameters", "参数"],
  index: ["Index in its array", "数组下标"],
  retries: ["Tries again", "重试"],
  unlimited: ["without end", "不限"],
  pause: ["pause {text}", "间隔 {text}"],
  retryOn: ["after {text}", "遇到 {text}"],
  oom: ["after a GPU out of memory: {text}", "显存不足后：{text}"],
  failures: ["{n} failed so far", "已失败 {n} 次"],
  retryAt: ["next try {at}", "下次 {at}"],
  env: ["Environment", "环境"],
  variables: ["{n} variables", "{n} 个变量"],
  variable: ["1 variable", "1 个变量"],
  noVariables: ["It was submitted without variables.", "提交时没有环境变量。"],
  envText: [
    "Their values are never shown. At its start CUDA_VISIBLE_DEVICES and GAVELQ_* are added.",
    "不显示变量的值。启动时会加上 CUDA_VISIBLE_DEVICES 和 GAVELQ_*。",
  ],
  dropped: ["Left out, because they look like secrets", "因疑似机密而略去"],
  nothingDropped: ["No variable was left out.", "没有略去变量。"],
  given: ["Needed by programs on its GPUs", "其 GPU 上的程序需要"],
  description: ["Description", "说明"],
  learned: ["Learned from tasks of this name", "从同名任务学到"],
  learnedOf: ["{n} ended, {time} long, {mem} GiB", "{n} 个已结束，时长 {time}，显存 {mem} GiB"],
} as const satisfies Record<string, Pair>;

type Fact = readonly [name: string, value: ReactNode];

function Facts({ rows }: { rows: readonly (Fact | null)[] }) {
  return (
    <dl className="facts">
      {rows.map(
        (row) =>
          row !== null && (
            <div key={row[0]}>
              <dt>{row[0]}</dt>
              <dd>{row[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

function useRequest(task: TaskDetails): (Fact | null)[] {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const count = task.max_gpus === null ? String(task.gpu_count) : `${task.min_gpus ?? 1}–${task.max_gpus}`;
  const flags = [
    task.preemptible && t("preemptible"),
    task.learn_memory && t("learn"),
    task.requeue && t("requeue"),
  ].filter(Boolean);
  const isolation =
    task.mps_percent === null
      ? task.isolation
      : t("isolationOf", { level: task.isolation, p: percent(task.mps_percent) });
  const memory = task.memory_mib === null ? t("whole") : `${wholeGib(task.memory_mib)} GiB`;
  return [
    [t("queue"), task.queue],
    [t("priority"), task.priority],
    [t("gpus"), task.gpu_ids.length ? `${count} (${task.gpu_ids.join(", ")})` : count],
    task.gpu_count === 0 ? null : [t("memory"), task.share ? `${memory}, ${t("shared")}` : memory],
    task.max_util === null ? null : [t("util"), percent(task.max_util)],
    [t("limit"), durationText(task.time_limit_s) || t("none")],
    task.warn === null ? null : [t("warn"), task.warn],
    task.not_before === null ? null : [t("notBefore"), when(task.not_before, language)],
    [t("isolation"), isolation],
    flags.length ? [t("flags"), flags.join(", ")] : null,
    task.tags.length ? [t("tags"), task.tags.join(", ")] : null,
    task.notify.length ? [t("notify"), `${task.notify.join(", ")} (${task.notify_on.join(", ")})`] : null,
    task.array_index === null ? null : [t("index"), task.array_index],
  ];
}

function useRetries(task: TaskDetails): ReactNode {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { retry } = task;
  const parts = [
    retry.retries === "unlimited" ? t("unlimited") : `${retry.retries ?? 0}`,
    retry.retries && retry.backoff ? t("pause", { text: retry.backoff }) : "",
    retry.retries && retry.on?.length ? t("retryOn", { text: retry.on.join(", ") }) : "",
    retry.retries && retry.on_gpu_oom ? t("oom", { text: retry.on_gpu_oom }) : "",
    task.n_failures > 0 ? t("failures", { n: task.n_failures }) : "",
    task.retry_at === null ? "" : t("retryAt", { at: when(task.retry_at, language) }),
  ];
  return parts.filter(Boolean).join(" · ");
}

function Learned({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { learned } = task;
  if (learned === null) return null;
  const time = learned.run_time_s === null ? "–" : span(learned.run_time_s, language);
  return (
    <section>
      <h3>{t("learned")}</h3>
      <p className="second">
        <span className="mono">{learned.name}</span>:{" "}
        {t("learnedOf", { n: learned.n_ends, time, mem: gib(learned.peak_memory_mib) })}
      </p>
    </section>
  );
}

/** A dozen fit; a shell's own environment has many times that. */
const MOST_NAMES = 12;

function Variables({ names }: { names: readonly string[] }) {
  const t = useWords(words);
  if (names.length === 0) return <p className="second">{t("noVariables")}</p>;
  return (
    <>
      <details className="env-names" open={names.length <= MOST_NAMES}>
        <summary>{t(names.length === 1 ? "variable" : "variables", { n: names.length })}</summary>
        <p className="chips">
          {names.map((name) => (
            <span key={name} className="chip mono">
              {name}
            </span>
          ))}
        </p>
      </details>
      <p className="second">{t("envText")}</p>
    </>
  );
}

export function Command({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  const request = useRequest(task);
  const retries = useRetries(task);
  const line = submitLine(task);
  const params = Object.entries(task.params);
  return (
    <div className="why">
      <section>
        <div className="row why-head">
          <h3 className="grow">{t("command")}</h3>
          {task.command !== null && <CopyButton text={task.command}>{t("copyCommand")}</CopyButton>}
        </div>
        {task.command === null ? (
          <p className="second">{t("lease")}</p>
        ) : (
          <pre className="code">{task.command}</pre>
        )}
        {task.description && (
          <>
            <h3>{t("description")}</h3>
            <p className="second drawer-said">{task.description}</p>
          </>
        )}
        <Facts
          rows={[
            [
              t("workdir"),
              <span key="w" className="mono">
                {task.workdir}
              </span>,
            ],
            [
              t("log"),
              <span key="l" className="mono">
                {task.log_path}
              </span>,
            ],
          ]}
        />
      </section>
      <section>
        <h3>{t("request")}</h3>
        <Facts rows={[...request, [t("retries"), retries]]} />
      </section>
      {params.length > 0 && (
        <section>
          <h3>{t("params")}</h3>
          <dl className="facts">
            {params.map(([name, value]) => (
              <div key={name}>
                <dt className="mono">{name}</dt>
                <dd className="mono">{value}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      <section>
        <h3>{t("env")}</h3>
        {!task.is_lease && <Variables names={task.env_names} />}
        {task.environment && (
          <>
            <p className="label">{t("given")}</p>
            <pre className="code">
              {Object.entries(task.environment).map(([name, value]) => (
                <Fragment key={name}>
                  {name}={value}
                  {"\n"}
                </Fragment>
              ))}
            </pre>
          </>
        )}
        {task.env_dropped.length > 0 ? (
          <>
            <p className="label">{t("dropped")}</p>
            <p className="chips">
              {task.env_dropped.map((name) => (
                <span key={name} className="chip mono">
                  {name}
                </span>
              ))}
            </p>
          </>
        ) : (
          <p className="second">{t("nothingDropped")}</p>
        )}
      </section>
      {line !== null && (
        <section>
          <div className="row why-head">
            <h3 className="grow">{t("again")}</h3>
            <CopyButton text={line}>{t("copyCommand")}</CopyButton>
          </div>
          <pre className="code">{line}</pre>
          <p className="label">{t("againHint")}</p>
        </section>
      )}
      <Learned task={task} />
    </div>
  );
}
