/** What the task used over its life, beside what it asked for, with its attempts below. */
import { useMemo, useState } from "react";
import { path } from "../../../api/client";
import type { TaskDetails } from "../../../api/types";
import { Segments } from "../../../parts/Button";
import { type Band, HistoryChart } from "../../../parts/HistoryChart";
import { useNow } from "../../../shell/Connection";
import { useResource } from "../../../store/resource";
import { type Pair, useWords } from "../../../words";
import { gib } from "../../../words/format";
import { isEnded } from "../../../words/states";
import { type Metrics, panelsOf } from "./measures";

const words = {
  charts: ["What task #{id} used", "任务 #{id} 的资源使用"],
  util: ["GPU utilisation", "GPU 利用率"],
  memory: ["GPU memory", "显存"],
  declared: ["asked for {n}", "申请 {n}"],
  power: ["Power", "功率"],
  temp: ["Temperature", "温度"],
  cpu: ["CPU, 100 % is one core", "CPU，100 % 为一核"],
  rss: ["Main memory", "主机内存"],
  task: ["task", "任务"],
  gpu: ["GPU {n}", "GPU {n}"],
  attempts: ["Attempts", "尝试"],
  attempt: ["{n}", "{n}"],
  range: ["Range", "时间范围"],
  all: ["Whole life", "全部"],
  hour: ["Last hour", "最近 1 小时"],
  quarter: ["Last 15 min", "最近 15 分钟"],
  notYet: ["It has not started; what it uses is drawn here.", "尚未启动，资源使用将显示在此处。"],
  nothing: ["Nothing was measured: it ran for too short a time.", "没有测量数据：运行时间太短。"],
} as const satisfies Record<string, Pair>;

type Range = "all" | "hour" | "quarter";
const BACK_S: Record<Exclude<Range, "all">, number> = { hour: 3600, quarter: 900 };
const POINTS = 360;

function useMetrics(task: TaskDetails, range: Range): Metrics | null {
  const isOver = isEnded(task.state);
  const minute = Math.floor(useNow(10_000) / 10_000) * 10_000;
  const end = isOver && task.ended_at !== null ? Date.parse(task.ended_at) : minute;
  const first = Date.parse(task.attempts[0]?.started_at ?? task.started_at ?? task.submitted_at);
  const from = range === "all" ? first : Math.max(first, end - BACK_S[range] * 1000);
  const seconds = (end - from) / 1000;
  // Processors are looked at every ten seconds only: finer points would have gaps.
  const step = Math.max(seconds < 60 ? 2 : 10, Math.ceil(seconds / POINTS));
  const target =
    task.started_at === null
      ? null
      : path("/api/monitor/metrics", {
          task: task.id,
          gpu: task.gpu_uuids.slice(0, 5),
          from: new Date(from).toISOString(),
          to: isOver ? new Date(end + 1000).toISOString() : null,
          step,
        });
  // A running task moves the axis: what was drawn stays until the next answer is here.
  const { data } = useResource<Metrics>(target);
  const [kept, keep] = useState<Metrics | null>(null);
  if (data !== null && data !== kept) keep(data);
  return data ?? kept;
}

function bandsOf(task: TaskDetails, to: number): Band[] {
  return task.attempts.flatMap((one) =>
    one.started_at === null
      ? []
      : [
          {
            key: String(one.attempt),
            text: `${one.attempt}${one.end_reason ? ` ${one.end_reason}` : ""}`,
            fill: "mine" as const,
            from: Date.parse(one.started_at),
            to: one.ended_at === null ? to : Date.parse(one.ended_at),
          },
        ],
  );
}

export function Charts({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  const [range, setRange] = useState<Range>("all");
  const metrics = useMetrics(task, range);
  const declared = t("declared", { n: gib(task.memory_mib) });
  const names = [t("util"), declared].join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words change with `names` alone
  const panels = useMemo(
    () =>
      metrics === null
        ? []
        : panelsOf(metrics, task.memory_mib, {
            util: t("util"),
            memory: t("memory"),
            declared,
            power: t("power"),
            temp: t("temp"),
            cpu: t("cpu"),
            rss: t("rss"),
            task: t("task"),
            gpu: (n) => t("gpu", { n }),
          }),
    [metrics, task.memory_mib, names],
  );
  if (task.started_at === null) return <p className="second drawer-none">{t("notYet")}</p>;
  if (metrics === null) return null;
  const [from, to] = [Date.parse(metrics.from), Date.parse(metrics.to)];
  return (
    <div className="stack drawer-charts">
      <Segments
        label={t("range")}
        value={range}
        options={[
          ["all", t("all")],
          ["hour", t("hour")],
          ["quarter", t("quarter")],
        ]}
        onChange={setRange}
      />
      {metrics.problem && <p className="problem">{metrics.problem}</p>}
      {metrics.note && <p className="label">{metrics.note}</p>}
      {panels.length === 0 ? (
        <p className="second">{t("nothing")}</p>
      ) : (
        <HistoryChart
          label={t("charts", { id: task.id })}
          from={from}
          to={to}
          stepS={metrics.step_s}
          panels={panels}
          bands={bandsOf(task, to)}
          bandsTitle={t("attempts")}
        />
      )}
    </div>
  );
}
