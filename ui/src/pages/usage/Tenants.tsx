/** Tenants or queues: what each used, its share, how long it waited, what it has of its quota. */
import { type ReactNode, useState } from "react";
import type { Tenant } from "../../api/types";
import { Button } from "../../parts/Button";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { percent, span } from "../../words/format";
import { round } from "./Figures";
import { TenantForm } from "./TenantForm";
import { type By, type Report, SERIES, targets, type Used } from "./usage";
import { words } from "./words";

function Meter({ part, fill, children }: { part: number; fill: string; children: ReactNode }) {
  return (
    <span className="with-meter">
      <span className="meter">
        <span className={fill} style={{ width: `${Math.min(100, Math.max(0, part))}%` }} />
      </span>
      <span className="second">{children}</span>
    </span>
  );
}

function Quota({ tenant }: { tenant: Tenant }) {
  const t = useWords(words);
  const n = tenant.use?.gpus ?? 0;
  const most = tenant.quota.max_gpus;
  if (most === null || most === undefined) return <span className="second">{t("noQuota", { n })}</span>;
  return (
    <Meter part={most === 0 ? 100 : (100 * n) / most} fill="fill-others">
      {t("ofQuota", { n, most })}
    </Meter>
  );
}

interface Props {
  report: Report;
  by: By;
  names: readonly string[];
  tenants: readonly Tenant[];
}

export function Tenants({ report, by, names, tenants }: Props) {
  const t = useWords(words);
  const { isAdmin } = useRights();
  const language = useLanguage((choice) => choice.language);
  const [edited, setEdited] = useState<Tenant | null | "new">(null);
  const due = targets(tenants, report.rows);
  const time = (seconds: number | null) => (seconds === null ? "–" : span(seconds, language));
  const idle =
    by === "tenant" ? tenants.filter((one) => !report.rows.some((row) => row.tenant === one.name)) : [];
  const swatch = (name: string) => {
    const at = names.indexOf(name);
    return at < 0 ? "var(--series-5)" : `var(${SERIES[at % SERIES.length]})`;
  };
  const called = (name: string, tenant: Tenant | undefined) => (
    <span className="row">
      <i className="swatch" style={{ background: swatch(name) }} aria-hidden="true" />
      {isAdmin && tenant ? (
        <button
          type="button"
          className="as-link name"
          title={t("edit", { name })}
          onClick={() => setEdited(tenant)}
        >
          {name}
        </button>
      ) : (
        <span className="name">{name}</span>
      )}
    </span>
  );
  const line = (row: Used) => {
    const name = row[by] ?? "–";
    const tenant = tenants.find((one) => one.name === name);
    const used = report.total.gpu_hours > 0 ? (100 * row.gpu_hours) / report.total.gpu_hours : 0;
    const target = due.get(name);
    return (
      <tr key={name}>
        <td>{called(name, by === "tenant" ? tenant : undefined)}</td>
        <td className="num">{round(row.gpu_hours)}</td>
        <td>
          <Meter part={used} fill="fill-mine">
            {target === undefined || by === "queue"
              ? percent(used)
              : t("target", { used: percent(used), target: Math.round(target) })}
          </Meter>
        </td>
        <td className="num">{percent(row.efficiency_percent)}</td>
        <td className="num">{row.idle_gpu_hours === null ? "–" : `${round(row.idle_gpu_hours)} h`}</td>
        <td className="num">{time(row.wait_p50_s)}</td>
        <td className="num">{time(row.wait_p95_s)}</td>
        {by === "tenant" && <td>{tenant && <Quota tenant={tenant} />}</td>}
      </tr>
    );
  };
  return (
    <section className="card" aria-labelledby="usage-tenants">
      <div className="usage-head">
        <h2 id="usage-tenants">{t(by === "tenant" ? "tenants" : "queues")}</h2>
        <span className="push" />
        {isAdmin && by === "tenant" && (
          <Button icon="plus" onClick={() => setEdited("new")}>
            {t("addTenant")}
          </Button>
        )}
      </div>
      <div className="scroll">
        <table className="grid middle">
          <thead>
            <tr>
              <th>{t(by === "tenant" ? "addTenant" : "name")}</th>
              <th className="num">{t("gpuHours")}</th>
              <th>{t("share2")}</th>
              <th className="num">{t("eff")}</th>
              <th className="num">{t("idleHeld")}</th>
              <th className="num">{t("median")}</th>
              <th className="num">{t("p95")}</th>
              {by === "tenant" && <th>{t("now")}</th>}
            </tr>
          </thead>
          <tbody>
            {[...report.rows].sort((a, b) => b.gpu_hours - a.gpu_hours).map(line)}
            {idle.map((tenant) => (
              <tr key={tenant.name}>
                <td>{called(tenant.name, tenant)}</td>
                <td className="num">0</td>
                <td colSpan={5} />
                <td>
                  <Quota tenant={tenant} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(report.total.foreign_gpu_hours ?? 0) > 0 && (
        <p className="pad second">{t("took", { h: round(report.total.foreign_gpu_hours ?? 0) })}</p>
      )}
      {edited !== null && (
        <TenantForm tenant={edited === "new" ? null : edited} onClose={() => setEdited(null)} />
      )}
    </section>
  );
}
