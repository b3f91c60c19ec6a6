/** The two lines below a card: who is on it, and what comes next. */
import { Link } from "wouter";
import type { Gpu, Row } from "../../api/types";
import { GpuGlyph, TaskGlyph } from "../../parts/Glyph";
import { Icon } from "../../parts/Icon";
import { taskPath } from "../../parts/TaskLink";
import { useNow } from "../../shell/Connection";
import { useLanguage, useWords } from "../../words";
import { hours, since, span, when } from "../../words/format";
import { program, strangersOn } from "./cards";
import type { CardPlan } from "./plan";
import { useFault } from "./useFault";
import { words } from "./words";

/** What a card's lines are made of. */
export interface Lines {
  gpu: Gpu;
  tasks: readonly Row[];
  me: string;
  plan: CardPlan | undefined;
  /** When the last task on it ended; null: unknown. */
  idleSince: string | null;
  /** Who ignored or drained it; null: unknown. */
  set: { by: string; at: string } | null;
}

function TaskLine({ task, me }: { task: Row; me: string }) {
  const t = useWords(words);
  const now = useNow();
  const elapsed = task.started_at === null ? 0 : since(task.started_at, now);
  const limit = task.time_limit_s;
  return (
    <div className="row card-line">
      <TaskGlyph state={task.state} {...(limit === null ? {} : { part: elapsed / limit })} />
      <Link href={taskPath(task.id)} className="cut card-task">
        <span className="card-id">#{task.id}</span>{" "}
        <span className={task.tenant === me ? "name" : ""}>{task.name}</span>
      </Link>
      <span className="second cut card-owner">{task.tenant}</span>
      <span className="second push nowrap live">
        {limit === null ? hours(elapsed) : t("elapsedOf", { a: hours(elapsed), b: hours(limit) })}
      </span>
    </div>
  );
}

function Stranger({ gpu }: { gpu: Gpu }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const one = strangersOn(gpu)[0];
  const at = one?.since ?? gpu.claimed_since ?? gpu.unattributed_since;
  const who = gpu.claimed_by ? t("daemonOf", { name: gpu.claimed_by }) : t("unseen");
  return (
    <div className="row card-line">
      <GpuGlyph state="foreign" />
      {one === undefined ? (
        <span className="cut">{who}</span>
      ) : (
        <span className="cut">
          <span className="role-foreign card-who">{one.user ?? t("somebody")}</span>{" "}
          <span className="second">
            {program(one.command)}
            {one.command && ", "}pid {one.pid}
          </span>
        </span>
      )}
      {at && <span className="second push nowrap">{t("sinceAt", { at: when(at, language) })}</span>}
    </div>
  );
}

function Quiet({ gpu, idleSince, set }: Lines) {
  const t = useWords(words);
  const told = useFault();
  const language = useLanguage((choice) => choice.language);
  const now = useNow(10_000);
  const put = set === null ? {} : { who: set.by.replace(/ \(token\)$/, ""), at: when(set.at, language, now) };
  const text = () => {
    if (gpu.fault !== null) return t("isFault", { fault: told(gpu.fault) });
    if (gpu.state === "ignored") return set === null ? t("isIgnored") : t("isIgnoredBy", put);
    if (gpu.state === "draining") return t("isDraining");
    if (gpu.state === "lost") return t("isLost");
    if (gpu.n_other_tasks > 0) {
      return t(gpu.n_other_tasks === 1 ? "nOthers1" : "nOthers", { n: gpu.n_other_tasks });
    }
    return idleSince === null ? t("nobody") : t("idleFor", { time: span(since(idleSince, now), language) });
  };
  const isSquare = ["ignored", "draining", "lost"].includes(gpu.state);
  return (
    <div className="row card-line">
      <span className={isSquare ? "" : "quiet"}>
        {isSquare ? <GpuGlyph state={gpu.state} /> : <Icon name={gpu.n_other_tasks > 0 ? "user" : "clock"} />}
      </span>
      <span className="cut">{text()}</span>
    </div>
  );
}

/** What the plan says of a card, in a sentence. */
export function useNext() {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  return (gpu: Gpu, plan: CardPlan | undefined): string => {
    if (gpu.fault !== null) return t("nextFault");
    if (gpu.state === "ignored") return t("nextIgnored");
    if (gpu.state === "draining") return t("nextDraining");
    if (gpu.state === "lost") return t("nextLost");
    if (plan === undefined) return "–";
    const { kind, at, task_id: id, name } = plan.next;
    const clock = at === null ? "" : when(at, language);
    if (kind === "starts") {
      const isKept = plan.spans.some((span) => span.kind === "reserved" && span.task_id === id);
      return [
        id === null ? t("nOthers1") : `#${id} ${name ?? ""}`.trim(),
        at && t(isKept ? "nextKept" : "nextStarts", { at: clock }),
      ]
        .filter(Boolean)
        .join(" ");
    }
    if (kind === "ends") {
      if (at === null) return t("nextUnknown");
      const isLimit = plan.spans.some((span) => span.kind === "running" && span.is_limit);
      return t(isLimit ? "nextFree" : "nextFreeAbout", { at: clock });
    }
    if (kind === "foreign") {
      const user = gpu.processes.find((one) => one.task_id === null && !one.is_ignored)?.user;
      return t("nextForeign", { user: user ?? gpu.claimed_by ?? t("somebody") });
    }
    return kind === "idle" ? t("nextIdle") : plan.next.text;
  };
}

/** Two lines, always: of a shared card its tasks, of others who is there and what comes next. */
export function CardLines(lines: Lines) {
  const { gpu, tasks, me, plan } = lines;
  const t = useWords(words);
  const next = useNext();
  const [first, second] = tasks;
  const nMore = tasks.length + gpu.n_other_tasks - 1;
  return (
    <div className="card-lines">
      {first !== undefined ? (
        <TaskLine task={first} me={me} />
      ) : gpu.state === "foreign" || (gpu.accepted_pids.length > 0 && gpu.state === "free") ? (
        <Stranger gpu={gpu} />
      ) : (
        <Quiet {...lines} />
      )}
      {second !== undefined && nMore === 1 ? (
        <TaskLine task={second} me={me} />
      ) : (
        <div className="row card-line second">
          <span className="quiet">
            <Icon name="right" />
          </span>
          <span className="cut">
            {first !== undefined && nMore > 0
              ? t(nMore === 1 ? "moreTasks1" : "moreTasks", { n: nMore })
              : next(gpu, plan)}
          </span>
        </div>
      )}
    </div>
  );
}
