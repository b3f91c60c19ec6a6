/** Its tries, what it waits for and who waits for it, and what happened. */
import type { Attempt, Event, TaskDetails, TaskState } from "../../../api/types";
import { TaskGlyph } from "../../../parts/Glyph";
import { TaskLink } from "../../../parts/TaskLink";
import { useLive } from "../../../store/live";
import { type Pair, say, useChinese, useLanguage, useWords } from "../../../words";
import { clock, gib, percent, since, when } from "../../../words/format";
import { END_REASONS } from "../../../words/reasons";
import { TASK_STATES } from "../../../words/states";
import { detailsText, EVENTS } from "./events";

const words = {
  attempts: ["Attempts", "尝试"],
  none: ["It has not started yet.", "尚未启动。"],
  left: ["The newest {n} of {all}.", "最近 {n} 次，共 {all} 次。"],
  n: ["No", "序号"],
  gpus: ["GPU", "GPU"],
  started: ["Started", "启动"],
  ran: ["Ran", "用时"],
  end: ["End", "结束"],
  exit: ["exit {n}", "退出码 {n}"],
  signal: ["signal {n}", "信号 {n}"],
  peak: ["Peak, GiB", "峰值，GiB"],
  util: ["Util", "利用率"],
  goesOn: ["goes on", "进行中"],
  borrowed: ["borrowed", "借用"],
  graph: ["Tasks around it", "相关任务"],
  noGraph: ["It waits for no task, and none waits for it.", "没有依赖，也没有任务依赖它。"],
  waitsOk: ["waits until it completes", "等待其成功"],
  waitsAny: ["waits until it ends", "等待其结束"],
  waitsFail: ["waits until it fails", "等待其失败"],
  met: ["met", "已满足"],
  waitsForUs: ["waits for #{id}", "等待 #{id}"],
  around: ["further on", "间接相关"],
  events: ["Events", "事件"],
  by: ["by {name}", "由 {name}"],
} as const satisfies Record<string, Pair>;

function Tries({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const chinese = useChinese();
  const ending = (one: Attempt) => {
    if (one.ended_at === null) return t("goesOn");
    const reason = END_REASONS[one.end_reason ?? ""];
    const parts = [
      reason ? say(reason, language) : (one.end_reason ?? one.cause ?? ""),
      one.signal !== null ? t("signal", { n: one.signal }) : "",
      one.signal === null && one.exit_code !== null && one.exit_code !== 0
        ? t("exit", { n: one.exit_code })
        : "",
      one.borrowed ? t("borrowed") : "",
    ];
    return parts.filter(Boolean).join(", ");
  };
  const attempts = [...task.attempts].reverse();
  if (attempts.length === 0) return <p className="second">{t("none")}</p>;
  return (
    <>
      {task.n_attempts > attempts.length && (
        <p className="label">{t("left", { n: attempts.length, all: task.n_attempts })}</p>
      )}
      <div className="scroll">
        <table className="grid tries">
          <thead>
            <tr>
              <th className="num">{t("n")}</th>
              <th>{t("gpus")}</th>
              <th>{t("started")}</th>
              <th className="num">{t("ran")}</th>
              <th className="num">{t("peak")}</th>
              <th className="num">{t("util")}</th>
            </tr>
          </thead>
          {attempts.map((one) => (
            <tbody key={one.attempt}>
              <tr>
                <td className="num">{one.attempt}</td>
                <td>{one.gpus.join(", ") || "–"}</td>
                <td>{when(one.started_at ?? one.placed_at, language)}</td>
                <td className="num">
                  {one.started_at === null || one.ended_at === null
                    ? "–"
                    : clock(since(one.started_at, Date.parse(one.ended_at)))}
                </td>
                <td className="num">{gib(one.peak_memory_mib)}</td>
                <td className="num">{percent(one.utilization_percent)}</td>
              </tr>
              <tr className="tries-end">
                <td />
                <td colSpan={5} className="second">
                  {ending(one)}
                  {one.detail &&
                    (chinese ? `：${chinese.text(one.detail) ?? one.detail}` : `: ${one.detail}`)}
                </td>
              </tr>
            </tbody>
          ))}
        </table>
      </div>
    </>
  );
}

type Node = TaskDetails["graph"][number];
const WAITS = { ok: "waitsOk", any: "waitsAny", fail: "waitsFail" } as const;

function Graph({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const live = useLive((known) => known.tasks);
  const others = task.graph.filter((node) => node.id !== task.id);
  if (others.length === 0) return <p className="second">{t("noGraph")}</p>;
  const relation = (node: Node) => {
    const own = task.dependencies.find((one) => one.task_id === node.id);
    if (own) return `${t(WAITS[own.kind])}${own.is_open ? "" : `, ${t("met")}`}`;
    const back = node.dependencies.some((one) => one.task_id === task.id);
    return back || task.dependents.includes(node.id) ? t("waitsForUs", { id: task.id }) : t("around");
  };
  return (
    <ul className="graph">
      {others.map((node) => {
        const state: TaskState = live.get(node.id)?.state ?? node.state;
        return (
          <li key={node.id}>
            <TaskGlyph state={state} />
            <span className="grow">
              <TaskLink id={node.id} /> <span className="name">{node.name}</span>{" "}
              <span className="second">{say(TASK_STATES[state].words, language)}</span>
            </span>
            <span className="second">{relation(node)}</span>
          </li>
        );
      })}
    </ul>
  );
}

function Timeline({ events }: { events: readonly Event[] }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  return (
    <ol className="timeline">
      {[...events].reverse().map((event, i) => {
        const pair = EVENTS[event.event];
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: an event has no name of its own
          <li key={`${event.at} ${event.event} ${i}`}>
            <time dateTime={event.at} title={new Date(event.at).toLocaleString()}>
              {when(event.at, language)}
            </time>
            <div>
              <span className="name">{pair ? say(pair, language) : event.event}</span>{" "}
              {event.by && <span className="second">{t("by", { name: event.by })}</span>}
              <p className="second">{detailsText(event.details)}</p>
            </div>
          </li>
        );
      })}
    </ol>
  );
}

export function Attempts({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  return (
    <div className="why">
      <section>
        <h3>{t("attempts")}</h3>
        <Tries task={task} />
      </section>
      <section>
        <h3>{t("graph")}</h3>
        <Graph task={task} />
      </section>
      <section>
        <h3>{t("events")}</h3>
        <Timeline events={task.events} />
      </section>
    </div>
  );
}
