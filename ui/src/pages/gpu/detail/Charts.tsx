/** Utilisation, memory by kind, temperature and power over time, with the tasks below. */
import { useMemo } from "react";
import type { Gpu } from "../../../api/types";
import { Button } from "../../../parts/Button";
import { download } from "../../../parts/download";
import { HistoryChart, type Panel } from "../../../parts/HistoryChart";
import { useRights } from "../../../store/session";
import { useWords } from "../../../words";
import { bandsOf, csvOf, foreignSpans, split } from "./kinds";
import type { History } from "./useHistory";
import { words } from "./words";

function inGib(values: readonly (number | null)[]): (number | null)[] {
  return values.map((mib) => (mib === null ? null : mib / 1024));
}

function usePanels(
  gpu: Pick<Gpu, "memory_total_mib" | "power_limit_w">,
  history: History,
  me: string,
): Panel[] {
  const t = useWords(words);
  const { memory_total_mib: total, power_limit_w: limit } = gpu;
  const names = [t("util"), t("mine"), t("others"), t("foreign"), t("temp"), t("power"), t("limit")].join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words change with `names` alone
  return useMemo(() => {
    const { series, stays, own, from, stepS } = history;
    const parts = split(
      series("memory_used_mib"),
      series("foreign_memory_mib"),
      series("n_tasks"),
      stays,
      me,
      own,
      (i) => from + (i + 0.5) * stepS * 1000,
    );
    return [
      {
        key: "util",
        title: t("util"),
        unit: "%",
        top: 100,
        height: 134,
        lines: [
          {
            key: "gpu",
            label: "GPU",
            color: "--series-1",
            values: series("utilization_percent"),
            fill: "tint",
          },
        ],
      },
      {
        key: "memory",
        title: t("memory"),
        unit: "GiB",
        top: total / 1024,
        isStacked: true,
        height: 134,
        digits: 1,
        lines: [
          { key: "mine", label: t("mine"), color: "--fill-mine", values: inGib(parts.mine) },
          { key: "others", label: t("others"), color: "--fill-others", values: inGib(parts.others) },
          {
            key: "foreign",
            label: t("foreign"),
            color: "--fill-foreign",
            values: inGib(parts.foreign),
            isHatched: true,
          },
        ],
      },
      {
        key: "temp",
        title: t("temp"),
        unit: "°C",
        top: 100,
        height: 104,
        lines: [{ key: "core", label: t("core"), color: "--series-3", values: series("temperature_c") }],
      },
      {
        key: "power",
        title: t("power"),
        unit: "W",
        height: 104,
        lines: [{ key: "draw", label: t("draw"), color: "--series-2", values: series("power_w") }],
        limits:
          limit === null ? [] : [{ at: limit, text: t("limit", { n: Math.round(limit) }), role: "idle" }],
      },
    ];
  }, [history, total, limit, me, names]);
}

const COLUMNS = [
  "utilization_percent",
  "memory_used_mib",
  "foreign_memory_mib",
  "temperature_c",
  "power_w",
  "n_tasks",
];

function save(gpu: Gpu, history: History): void {
  const columns = COLUMNS.map((name) => ({ name, values: history.series(name) }));
  download(`gpu-${gpu.index}.csv`, "text/csv", csvOf(columns, history.from, history.stepS * 1000));
}

export function CsvButton({ gpu, history }: { gpu: Gpu; history: History | null }) {
  const t = useWords(words);
  return (
    <Button icon="download" disabled={history === null} onClick={() => history && save(gpu, history)}>
      {t("csv")}
    </Button>
  );
}

export function Charts({ gpu, history }: { gpu: Gpu; history: History }) {
  const t = useWords(words);
  const me = useRights().tenant;
  const panels = usePanels(gpu, history, me);
  const { from, to, stepS, stays } = history;
  const foreign = foreignSpans(history.series("foreign_memory_mib"), from, stepS * 1000);
  return (
    <>
      {history.problem && <p className="problem">{history.problem}</p>}
      <HistoryChart
        label={t("history", { n: gpu.index })}
        from={from}
        to={to}
        stepS={stepS}
        panels={panels}
        bands={bandsOf(stays, foreign, me, t("foreign"))}
        bandsTitle={t("tasksHere")}
      />
    </>
  );
}
