/** A GPU as a row of the list on a narrow screen. */
import { Link } from "wouter";
import { MemoryBar } from "../../parts/MemoryBar";
import { GpuStatePill } from "../../parts/State";
import { useWords } from "../../words";
import { gib, percent, wholeGib } from "../../words/format";
import { useNext } from "./CardLines";
import { cardPath, program, sharesOf, shortModel, shownState } from "./cards";
import type { CardProps } from "./GpuCard";
import { useFault } from "./useFault";
import { words } from "./words";
import "./cards.css";

function useOwner() {
  const t = useWords(words);
  const told = useFault();
  const next = useNext();
  return ({ gpu, tasks, plan }: CardProps): string => {
    const [first] = tasks;
    if (first !== undefined && tasks.length === 1) return `#${first.id} ${first.name}, ${first.tenant}`;
    if (first !== undefined) return tasks.map((task) => `#${task.id} ${task.tenant}`).join(", ");
    if (gpu.n_other_tasks > 0) {
      return t(gpu.n_other_tasks === 1 ? "nOthers1" : "nOthers", { n: gpu.n_other_tasks });
    }
    const stranger = gpu.processes.find((one) => one.task_id === null && !one.is_ignored);
    if (stranger !== undefined) {
      return `${stranger.user ?? t("somebody")}, ${program(stranger.command)} pid ${stranger.pid}`;
    }
    return gpu.fault === null ? next(gpu, plan) : told(gpu.fault);
  };
}

export function GpuRow(props: CardProps) {
  const { gpu, byId, me, plan } = props;
  const t = useWords(words);
  const owner = useOwner();
  return (
    <Link href={cardPath(gpu)} className={`gpu-row is-${gpu.state}`} title={t("open", { n: gpu.index })}>
      <span className="row">
        <span className="gpu-index">{gpu.index}</span>
        <span className="name cut">{gpu.label || shortModel(gpu.name)}</span>
        <span className="push">
          <GpuStatePill state={shownState(gpu, plan)} />
        </span>
      </span>
      <MemoryBar shares={sharesOf(gpu, byId, me, plan)} height={8} />
      <span className="row second">
        <span className="cut grow">{owner(props)}</span>
        <span className="quiet nowrap">
          <span className="live">{gib(gpu.memory_used_mib)}</span> / {wholeGib(gpu.memory_total_mib)} GiB
        </span>
        <b className="gpu-row-util live">{percent(gpu.utilization_percent)}</b>
      </span>
    </Link>
  );
}
