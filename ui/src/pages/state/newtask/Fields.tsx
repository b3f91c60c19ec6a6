/** The fields of a task request, as a form for new tasks, edits and reruns. */
import type { ReactNode } from "react";
import { Segments } from "../../../parts/Button";
import { Field } from "../../../parts/Field";
import { useLive } from "../../../store/live";
import { useWords } from "../../../words";
import type { Draft, GpuMode } from "./draft";
import { words } from "./words";

export interface FormProps {
  draft: Draft;
  put: (changes: Partial<Draft>) => void;
  /** What is wrong with a field, by its name in requests. */
  problemOf: (...names: string[]) => string | null;
  /** New tasks alone may be leases and sweeps. */
  isNew: boolean;
}

type TextName = Exclude<keyof Draft, "lease" | "gpus" | "share" | "hold" | "preemptible">;
type Word = keyof typeof words;

function Text(props: FormProps & { name: TextName; hint?: Word; rows?: number; isFirst?: boolean }) {
  const t = useWords(words);
  const { name, hint, rows, draft, put, problemOf } = props;
  return (
    <Field label={t(name)} hint={hint && t(hint)} problem={problemOf(name)}>
      {(control) =>
        rows === undefined ? (
          <input
            {...control}
            className="input"
            spellCheck={false}
            value={draft[name]}
            onChange={(event) => put({ [name]: event.target.value })}
          />
        ) : (
          <textarea
            {...control}
            {...(props.isFirst ? { "data-first": true } : {})}
            className="area"
            spellCheck={false}
            rows={rows}
            value={draft[name]}
            onChange={(event) => put({ [name]: event.target.value })}
          />
        )
      }
    </Field>
  );
}

function Flag(props: FormProps & { name: "lease" | "share" | "hold" | "preemptible" }) {
  const t = useWords(words);
  const { name, draft, put, problemOf } = props;
  const problem = problemOf(name);
  return (
    <div>
      <label className="check">
        <input
          type="checkbox"
          checked={draft[name]}
          onChange={(event) => put({ [name]: event.target.checked })}
        />
        {t(name)}
      </label>
      {problem && <p className="problem">{problem}</p>}
    </div>
  );
}

function QueueField(props: FormProps) {
  const t = useWords(words);
  const queues = useLive((live) => live.queues);
  const { draft, put, problemOf, isNew } = props;
  return (
    <Field label={t("queue")} problem={problemOf("queue")}>
      {(control) => (
        <select
          {...control}
          className="select"
          value={draft.queue}
          onChange={(event) => put({ queue: event.target.value })}
        >
          {isNew && <option value="">{t("asSet")}</option>}
          {queues.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Gpus(props: FormProps) {
  const t = useWords(words);
  const { draft, put } = props;
  const modes: readonly (readonly [GpuMode, string])[] = [
    ["count", t("byCount")],
    ["range", t("byRange")],
    ["ids", t("byIds")],
  ];
  return (
    <>
      <div className="field">
        <span className="label">{t("gpus")}</span>
        <Segments label={t("gpus")} value={draft.gpus} options={modes} onChange={(gpus) => put({ gpus })} />
      </div>
      {draft.gpus === "count" && <Text {...props} name="gpu_count" hint="gpuCountHint" />}
      {draft.gpus === "ids" && <Text {...props} name="gpu_ids" hint="gpuIdsHint" />}
      {draft.gpus === "range" && (
        <div className="form-pair">
          <Text {...props} name="min_gpus" />
          <Text {...props} name="max_gpus" />
        </div>
      )}
    </>
  );
}

const MORE: readonly TextName[] = [
  "env",
  "after",
  "after_any",
  "not_before",
  "retries",
  "on_gpu_oom",
  "max_util",
  "notify",
  "tags",
  "array",
  "params",
  "max_parallel",
];

function More(props: FormProps) {
  const { isNew, draft } = props;
  return (
    <>
      <div className="form-fields">
        <Text {...props} name="after" hint="afterHint" />
        <Text {...props} name="after_any" hint="afterHint" />
        <Text {...props} name="not_before" hint="notBeforeHint" />
        <Text {...props} name="retries" hint="retriesHint" />
        <Text {...props} name="on_gpu_oom" hint="oomHint" />
        <Text {...props} name="max_util" />
        <Text {...props} name="tags" />
        <Text {...props} name="notify" hint="notifyHint" />
        {isNew && !draft.lease && <Text {...props} name="array" hint="arrayHint" />}
        {isNew && !draft.lease && <Text {...props} name="max_parallel" />}
      </div>
      {isNew && !draft.lease && <Text {...props} name="params" hint="paramsHint" rows={2} />}
      {!draft.lease && <Text {...props} name="env" hint={isNew ? "envHint" : "envHintOwn"} rows={3} />}
      <div className="stack">
        <Flag {...props} name="preemptible" />
        {isNew && <Flag {...props} name="hold" />}
        {isNew && <Flag {...props} name="lease" />}
      </div>
    </>
  );
}

export function Fields(props: FormProps & { children?: ReactNode }) {
  const t = useWords(words);
  const { draft, problemOf, isNew } = props;
  const nSet =
    MORE.filter((name) => draft[name].trim() !== "").length + Number(draft.lease) + Number(draft.hold);
  const isWrong = problemOf(...MORE, "lease", "hold", "preemptible") !== null;
  return (
    <>
      {!draft.lease && <Text {...props} name="command" hint="commandHint" rows={5} isFirst />}
      <div className="form-fields">
        <Text {...props} name="name" {...(isNew ? { hint: "nameHint" as const } : {})} />
        <QueueField {...props} />
        <Gpus {...props} />
        <Text {...props} name="memory" hint="memoryHint" />
        <Text {...props} name="time_limit" hint="timeHint" />
        <Text {...props} name="priority" hint="priorityHint" />
        <Text {...props} name="workdir" {...(isNew ? { hint: "workdirHint" as const } : {})} />
      </div>
      <Flag {...props} name="share" />
      <details className="form-more" open={isWrong || undefined}>
        <summary>{nSet ? t("moreSet", { n: nSet }) : t("more")}</summary>
        <div className="stack">
          <More {...props} />
        </div>
      </details>
    </>
  );
}
