/** One card as it is now: figures, whose it is, what comes next, its health. */
import type { ReactNode } from "react";
import type { Gpu } from "../../../api/types";
import { Icon } from "../../../parts/Icon";
import { MemoryBar, MemoryKey } from "../../../parts/MemoryBar";
import { GpuStatePill } from "../../../parts/State";
import { TaskLink } from "../../../parts/TaskLink";
import { useLanguage, useWords } from "../../../words";
import { gib, when, wholeGib } from "../../../words/format";
import { useNext } from "../CardLines";
import { sharesOf, shownState, type Tasks } from "../cards";
import type { CardPlan } from "../plan";
import { useFault } from "../useFault";
import { words as pageWords } from "../words";
import { Actions } from "./Actions";
import { words } from "./words";

function Figure({ label, value, rest }: { label: string; value: string; rest: string }) {
  return (
    <div className="detail-figure">
      <span className="label">{label}</span>
      <span>
        <b className="live">{value}</b> <span className="second">{rest}</span>
      </span>
    </div>
  );
}

function rounded(value: number | null): string {
  return value === null ? "–" : String(Math.round(value));
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt className="second quiet">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Health({ gpu }: { gpu: Gpu }) {
  const t = useWords(words);
  const told = useFault();
  const page = useWords(pageWords);
  const language = useLanguage((choice) => choice.language);
  if (gpu.fault === null && gpu.state === "lost") {
    return <span className="problem">{page("isLost")}</span>;
  }
  if (gpu.fault === null) {
    return (
      <span className="row role-ok detail-health">
        <Icon name="check" /> <span>{t("healthy")}</span>
      </span>
    );
  }
  const at = gpu.fault_at === null ? "–" : when(gpu.fault_at, language);
  return (
    <span className="row role-bad detail-health">
      <Icon name="warning" /> <span>{t("since", { fault: told(gpu.fault), at })}</span>
    </span>
  );
}

export function Facts(props: { gpu: Gpu; byId: Tasks; me: string; plan: CardPlan | undefined }) {
  const { gpu, byId, me, plan } = props;
  const t = useWords(words);
  const told = useFault();
  const next = useNext();
  const shares = sharesOf(gpu, byId, me, plan);
  const limit = gpu.power_limit_w === null ? "W" : t("ofWatt", { n: Math.round(gpu.power_limit_w) });
  return (
    <section className="card detail-facts" aria-label={`GPU ${gpu.index}`}>
      <div className="pad detail-top">
        <div className="row">
          <span className="gpu-index">{gpu.index}</span>
          <h1 className="grow cut">{gpu.name}</h1>
          <GpuStatePill state={shownState(gpu, plan)} />
        </div>
        <MemoryBar shares={shares} />
        <MemoryKey shares={shares} />
      </div>
      <div className="detail-figures">
        <Figure label={t("util")} value={rounded(gpu.utilization_percent)} rest="%" />
        <Figure
          label={t("memory")}
          value={gib(gpu.memory_used_mib)}
          rest={t("ofGib", { n: wholeGib(gpu.memory_total_mib) })}
        />
        <Figure label={t("temp")} value={rounded(gpu.temperature_c)} rest="°C" />
        <Figure label={t("power")} value={rounded(gpu.power_w)} rest={limit} />
      </div>
      <dl className="pad detail-list">
        <Fact name={t("owner")}>{gpu.queue === null ? t("pool") : t("queueOwner", { name: gpu.queue })}</Fact>
        <Fact name={t("next")}>{next(gpu, plan)}</Fact>
        {gpu.blocks > 0 && (
          <Fact name={t("waiting")}>{t(gpu.blocks === 1 ? "nWait1" : "nWait", { n: gpu.blocks })}</Fact>
        )}
        <Fact name={t("health")}>
          <Health gpu={gpu} />
        </Fact>
        {gpu.violations.length > 0 && (
          <Fact name={t("violations")}>
            {gpu.violations.map((one) => (
              <span key={`${one.task_id} ${one.text}`} className="problem detail-violation">
                <TaskLink id={one.task_id} /> {told(one.text)}
              </span>
            ))}
          </Fact>
        )}
        {gpu.label && <Fact name={t("label")}>{gpu.label}</Fact>}
        {gpu.unavailable && !["ignored", "draining", "lost"].includes(gpu.state) && (
          <Fact name={t("unavailable")}>{told(gpu.unavailable)}</Fact>
        )}
        <Fact name={t("uuid")}>
          <code className="detail-uuid">{gpu.uuid}</code>
        </Fact>
      </dl>
      <Actions gpu={gpu} byId={byId} />
    </section>
  );
}
