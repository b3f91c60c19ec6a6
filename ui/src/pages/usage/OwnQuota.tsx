/** For those who are no admins: what they may have, and how much of it they have now. */
import type { ReactNode } from "react";
import type { Tenant } from "../../api/types";
import { useLanguage, useWords } from "../../words";
import { span, wholeGib } from "../../words/format";
import { round } from "./Figures";
import { OfQuota } from "./Meter";
import { words } from "./words";

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function OwnQuota({ tenant }: { tenant: Tenant }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { quota, use } = tenant;
  const names = (list: readonly (string | number)[] | null | undefined) => list?.join(", ") ?? "";
  return (
    <section className="card" aria-labelledby="usage-quota">
      <div className="usage-head">
        <h2 id="usage-quota">{t("mine")}</h2>
        <span className="second">{tenant.name}</span>
      </div>
      <dl className="own-quota">
        <Line name={t("maxGpus")}>
          <OfQuota used={use?.gpus ?? 0} most={quota.max_gpus ?? null} />
        </Line>
        <Line name={t("maxMemory")}>
          <OfQuota
            used={use?.memory_mib ?? 0}
            most={quota.max_memory_mib ?? null}
            written={(mib) => `${wholeGib(mib)} GiB`}
          />
        </Line>
        <Line name={t("maxRunning")}>
          <OfQuota used={use?.running ?? 0} most={quota.max_running ?? null} />
        </Line>
        <Line name={t("maxQueued")}>
          <OfQuota used={use?.queued ?? 0} most={quota.max_queued ?? null} />
        </Line>
        <Line name={t("hoursIn", { time: span(quota.window_s, language) })}>
          <OfQuota used={use?.gpu_hours ?? 0} most={quota.gpu_hours ?? null} written={round} />
        </Line>
        {typeof quota.max_priority === "number" && <Line name={t("maxPriority")}>{quota.max_priority}</Line>}
        {typeof quota.max_time_limit_s === "number" && (
          <Line name={t("maxLimit")}>{span(quota.max_time_limit_s, language)}</Line>
        )}
        {names(quota.queues) !== "" && <Line name={t("onlyQueues")}>{names(quota.queues)}</Line>}
        {names(quota.gpus) !== "" && <Line name={t("onlyGpus")}>{names(quota.gpus)}</Line>}
      </dl>
    </section>
  );
}
