/** What a task and its cards measured over time, as panels of a chart. Pure. */
import type { Panel } from "../../../parts/HistoryChart";

export type Values = readonly (number | null)[];

export interface Metrics {
  from: string;
  to: string;
  step_s: number;
  n_points: number;
  note: string | null;
  problem: string | null;
  gpus: { index: number | string; memory_total_mib: number; power_limit_w: number | null; series: Series }[];
  tasks: { id: number; series: Series }[];
}

type Series = Record<string, { mean: Values; max?: Values }>;

const COLORS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5"] as const;
const HEIGHT = 96;

function has(values: Values | undefined): values is Values {
  return values?.some((value) => value !== null) ?? false;
}

const gib = (values: Values): Values => values.map((mib) => (mib === null ? null : mib / 1024));

export interface Told {
  util: string;
  memory: string;
  declared: string;
  power: string;
  temp: string;
  cpu: string;
  rss: string;
  task: string;
  gpu: (index: number | string) => string;
}

/** Only what was measured; of the cards, as many as there are colours. */
export function panelsOf(metrics: Metrics, declaredMib: number | null, told: Told): Panel[] {
  const own = metrics.tasks[0]?.series ?? {};
  const panels: Panel[] = [];
  const ofTask = (key: string, name: string, title: string, unit: string, more: Partial<Panel> = {}) => {
    const values = own[name]?.mean;
    if (!has(values)) return;
    const line = {
      key,
      label: told.task,
      color: COLORS[0],
      values: unit === "GiB" ? gib(values) : values,
      fill: "tint" as const,
    };
    panels.push({ key, title, unit, height: HEIGHT, lines: [line], ...more });
  };
  const ofCards = (key: string, name: string, title: string, unit: string, more: Partial<Panel> = {}) => {
    const lines = metrics.gpus.slice(0, COLORS.length).flatMap((gpu, i) => {
      const values = gpu.series[name]?.mean;
      return has(values)
        ? [{ key: String(gpu.index), label: told.gpu(gpu.index), color: COLORS[i] ?? COLORS[0], values }]
        : [];
    });
    if (lines.length) panels.push({ key, title, unit, height: HEIGHT, lines, ...more });
  };
  const total = Math.max(0, ...metrics.gpus.map((gpu) => gpu.memory_total_mib / 1024));
  const limits =
    declaredMib === null ? [] : [{ at: declaredMib / 1024, text: told.declared, role: "idle" as const }];
  ofTask("util", "gpu_utilization_percent", told.util, "%", { top: 100 });
  ofTask("memory", "gpu_memory_mib", told.memory, "GiB", { top: total || null, digits: 1, limits });
  ofCards("power", "power_w", told.power, "W");
  ofCards("temp", "temperature_c", told.temp, "°C", { top: 100 });
  ofTask("cpu", "cpu_percent", told.cpu, "%");
  ofTask("rss", "rss_mib", told.rss, "GiB", { digits: 1 });
  return panels;
}
