/** The whole machine in one line: GPUs by state, the queue, utilisation, processors, memory, power. */
import type { ReactNode } from "react";
import { Link } from "wouter";
import { useShallow } from "zustand/react/shallow";
import type { Gpu, GpuState, Row } from "../../api/types";
import { GpuGlyph } from "../../parts/Glyph";
import { Sparkline } from "../../parts/Sparkline";
import { TaskLink } from "../../parts/TaskLink";
import { useNarrow } from "../../parts/useSize";
import { useNow } from "../../shell/Connection";
import { useLive } from "../../store/live";
import { say, useLanguage, useWords } from "../../words";
import { percent, since, span, wholeGib } from "../../words/format";
import { GPU_STATES } from "../../words/states";
import { words } from "./words";
import "./strip.css";

/** Cards that are counted together; the first names them. */
export const GROUPS = [
  { states: ["busy", "shared"], word: "nBusy" },
  { states: ["free"], word: "nFree" },
  { states: ["foreign"], word: "nForeign" },
  { states: ["draining"], word: "nDraining" },
  { states: ["ignored"], word: "nIgnored" },
  { states: ["lost"], word: "nLost" },
] as const satisfies readonly { states: readonly [GpuState, ...GpuState[]]; word: keyof typeof words }[];

export function isShown(gpu: Gpu, group: GpuState | null): boolean {
  const found = GROUPS.find(({ states }) => states[0] === group);
  return found === undefined || (found.states as readonly GpuState[]).includes(gpu.state);
}

function Cell({ label, name, children }: { label: ReactNode; name: string; children: ReactNode }) {
  return (
    <div className={`strip-cell strip-${name}`}>
      <span className="label">{label}</span>
      <div className="row strip-figure">{children}</div>
    </div>
  );
}

/** Which states there are; pressing one shows its cards alone. */
function GpuCounts(props: { group: GpuState | null; onGroup: (group: GpuState | null) => void }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const states = useLive(useShallow((live) => live.gpus.map((gpu) => gpu.state)));
  return (
    <>
      {GROUPS.map(({ states: wanted, word }) => {
        const n = states.filter((state) => (wanted as readonly GpuState[]).includes(state)).length;
        const group = wanted[0];
        if (n === 0 && props.group !== group) return null;
        return (
          <button
            key={group}
            type="button"
            className={`strip-count role-${GPU_STATES[group].role}`}
            aria-pressed={props.group === group}
            title={t("show", { state: say(GPU_STATES[group].words, language) })}
            onClick={() => props.onGroup(props.group === group ? null : group)}
          >
            <GpuGlyph state={group} />
            <span className="live">{t(word, { n })}</span>
          </button>
        );
      })}
    </>
  );
}

function oldestOf(tasks: ReadonlyMap<number, Row>): Row | null {
  let oldest: Row | null = null;
  for (const task of tasks.values()) {
    if (task.state === "pending" && (oldest === null || task.submitted_at < oldest.submitted_at))
      oldest = task;
  }
  return oldest;
}

function Waiting({ isShort }: { isShort: boolean }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const n = useLive((live) => live.counts?.pending ?? 0);
  const oldest = useLive(useShallow((live) => oldestOf(live.tasks)));
  const now = useNow(10_000);
  return (
    <>
      <Link href="/state?q=state:pending" className="strip-main live">
        {t("nPending", { n })}
      </Link>
      {oldest && (
        <span className="second">
          {t("oldest", { time: span(since(oldest.submitted_at, now), language) })}
          {!isShort && (
            <>
              {t("comma")}
              <TaskLink id={oldest.id} />
            </>
          )}
        </span>
      )}
    </>
  );
}

function Meter({ part }: { part: number }) {
  return (
    <span className="strip-meter" aria-hidden="true">
      <span className="fill-others" style={{ width: `${Math.min(100, 100 * part)}%` }} />
    </span>
  );
}

function Machine() {
  const t = useWords(words);
  const host = useLive((live) => live.host);
  const watts = useLive((live) => Math.round(live.gpus.reduce((sum, gpu) => sum + (gpu.power_w ?? 0), 0)));
  const { memory_used_mib: used = null, memory_total_mib: total = null } = host ?? {};
  return (
    <>
      <Cell name="cpu" label={t("cpu", { n: host?.cpu_count ?? "–" })}>
        <b className="live">{percent(host?.cpu_percent)}</b>
        <Meter part={(host?.cpu_percent ?? 0) / 100} />
      </Cell>
      <Cell name="ram" label={t("ram")}>
        <span className="nowrap">
          <b className="live">{used === null ? "–" : Math.round(used / 1024)}</b>
          <span className="second">
            {" "}
            / {total === null ? "–" : wholeGib(Math.round(total / 1024) * 1024)} GiB
          </span>
        </span>
        <Meter part={(used ?? 0) / Math.max(1, total ?? 1)} />
      </Cell>
      <Cell name="power" label={t("power")}>
        <b className="live">{watts.toLocaleString("en-GB")} W</b>
      </Cell>
    </>
  );
}

export function StatusStrip(props: {
  group: GpuState | null;
  onGroup: (group: GpuState | null) => void;
  /** Mean utilisation of all cards, minute by minute. */
  hour: readonly (number | null)[];
}) {
  const t = useWords(words);
  const isNarrow = useNarrow();
  const known = props.hour.filter((value) => value !== null);
  const mean = known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  if (isNarrow) {
    return (
      <section className="card strip-narrow" aria-label={t("stripGpus")}>
        <div className="row wrap">
          <GpuCounts {...props} />
        </div>
        <div className="row">
          <Waiting isShort />
          <span className="push second nowrap live">{t("utilShort", { p: percent(mean) })}</span>
          <Sparkline values={props.hour} label={t("utilLabel")} width={64} height={16} />
        </div>
      </section>
    );
  }
  return (
    <section className="card strip" aria-label={t("stripGpus")}>
      <Cell name="gpus" label={t("stripGpus")}>
        <GpuCounts {...props} />
      </Cell>
      <Cell name="queue" label={t("queue")}>
        <Waiting isShort={false} />
      </Cell>
      <Cell name="util" label={t("utilHour")}>
        <b className="live">{percent(mean)}</b>
        <Sparkline values={props.hour} label={t("utilLabel")} width={180} height={20} />
      </Cell>
      <Machine />
    </section>
  );
}
