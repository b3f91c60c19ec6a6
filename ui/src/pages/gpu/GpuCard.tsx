/** A GPU as a card; the same height in every state. */
import { Link } from "wouter";
import { MemoryBar, MemoryKey } from "../../parts/MemoryBar";
import { Sparkline } from "../../parts/Sparkline";
import { GpuStatePill } from "../../parts/State";
import { useWords } from "../../words";
import { CardLines, type Lines } from "./CardLines";
import { cardPath, ownership, sharesOf, shortModel, shownState, type Tasks } from "./cards";
import { words } from "./words";
import "./cards.css";

export interface CardProps extends Lines {
  byId: Tasks;
  /** Utilisation of the last hour, minute by minute. */
  hour: readonly (number | null)[];
}

const SPARK_ROLES = { mine: "accent", others: "idle", foreign: "foreign", none: "idle" } as const;

function Figure({ label, value, unit }: { label: string; value: number | null; unit: string }) {
  return (
    <div className="card-figure">
      <span className="label">{label}</span>
      <span className="nowrap">
        <b className="live">{value === null ? "–" : Math.round(value)}</b>
        <span className="label"> {unit}</span>
      </span>
    </div>
  );
}

export function GpuCard(props: CardProps) {
  const { gpu, byId, me, plan, hour } = props;
  const t = useWords(words);
  const shares = sharesOf(gpu, byId, me, plan);
  const state = shownState(gpu, plan);
  const limit = gpu.power_limit_w === null ? "" : `/ ${Math.round(gpu.power_limit_w)} `;
  return (
    <article className={`card gpu-card is-${gpu.state}`} aria-label={t("gpu", { n: gpu.index })}>
      <div className="row gpu-head">
        <Link href={cardPath(gpu)} className="row grow gpu-open" title={t("open", { n: gpu.index })}>
          <span className="gpu-index">{gpu.index}</span>
          <span className="name cut">{gpu.label || shortModel(gpu.name)}</span>
        </Link>
        {gpu.queue !== null && <span className="chip cut">{t("queueChip", { name: gpu.queue })}</span>}
        <GpuStatePill state={state} />
      </div>
      <MemoryBar shares={shares} />
      <MemoryKey shares={shares} />
      <div className="gpu-figures">
        <Figure label={t("util")} value={gpu.utilization_percent} unit="%" />
        <Figure label={t("temp")} value={gpu.temperature_c} unit="°C" />
        <Figure label={t("power")} value={gpu.power_w} unit={`${limit}W`} />
        <Sparkline
          values={hour}
          label={t("sparkLabel", { gpu: gpu.index })}
          role={SPARK_ROLES[ownership(shares)]}
        />
      </div>
      <CardLines {...props} />
    </article>
  );
}
