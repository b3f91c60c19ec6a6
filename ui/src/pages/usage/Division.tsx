/** Tenants, queues or GPUs: what each used, its part, how long it waited; of tenants what they have of their quota. */
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import type { Tenant } from "../../api/types";
import { Button } from "../../parts/Button";
import { useLive } from "../../store/live";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { percent, span, when } from "../../words/format";
import { possible, round } from "./Figures";
import { Meter, OfQuota } from "./Meter";
import { TenantForm } from "./TenantForm";
import { type By, colorOf, nameOf, type Report, targets, type Used } from "./usage";
import { words } from "./words";

interface Props {
  report: Report;
  by: By;
  names: readonly string[];
  tenants: readonly Tenant[];
}

const TITLES = { tenant: "tenants", queue: "queues", gpu: "gpus" } as const;
const HEADS = { tenant: "addTenant", queue: "name", gpu: "gpu" } as const;

/** A row, and a name that used nothing. */
type Line = { name: string; row: Used | null };

function useLines({ report, by, tenants }: Props): Line[] {
  const gpus = useLive((live) => live.gpus);
  const lines: Line[] = report.rows.map((row) => ({ name: nameOf(row, by), row }));
  const all =
    by === "tenant" ? tenants.map(({ name }) => name) : by === "gpu" ? gpus.map(({ index }) => index) : [];
  const quiet = all.map(String).filter((name) => !lines.some((line) => line.name === name));
  const shown = [...lines, ...quiet.map((name) => ({ name, row: null }))];
  // Cards stand by their numbers, others by what they used.
  if (by === "gpu") return shown.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  return shown.sort((a, b) => (b.row?.gpu_hours ?? 0) - (a.row?.gpu_hours ?? 0));
}

/** The daemon's note with the time in words; it has no other that people can do something about. */
function useNote(): (note: string) => string {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  return (note) => {
    const at = /known since (\S+Z)$/.exec(note)?.[1];
    return at === undefined ? note : t("knownSince", { at: when(at, language) });
  };
}

function Name({
  line,
  by,
  names,
  onEdit,
}: {
  line: Line;
  by: By;
  names: readonly string[];
  onEdit?: () => void;
}) {
  const t = useWords(words);
  const { name } = line;
  const text = (): ReactNode => {
    if (onEdit) {
      return (
        <button type="button" className="as-link name" title={t("edit", { name })} onClick={onEdit}>
          {name}
        </button>
      );
    }
    if (by === "gpu") return <Link href={`/gpu/${encodeURIComponent(name)}`}>{t("nGpu", { n: name })}</Link>;
    return <span className="name">{name}</span>;
  };
  return (
    <span className="row">
      <i className="swatch" style={{ background: colorOf(name, names) }} aria-hidden="true" />
      {text()}
    </span>
  );
}

interface Column {
  head: keyof typeof words;
  isNumber?: boolean;
  of: (line: Line) => ReactNode;
}

/** The columns behind the name. */
function useColumns({ report, by, tenants }: Props): Column[] {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { isAdmin } = useRights();
  // Others' weights are not for everybody.
  const due = by === "tenant" && isAdmin ? targets(tenants, report.rows) : new Map<string, number>();
  // Of all hours that were used; of a card, of the time that there was.
  const whole = by === "gpu" ? possible(report, 1) : report.total.gpu_hours;
  const time = (seconds: number | null) => (seconds === null ? "–" : span(seconds, language));
  const hours = (n: number | null) => (n === null ? "–" : `${round(n)} h`);
  const number = (head: keyof typeof words, of: (row: Used) => ReactNode): Column => ({
    head,
    isNumber: true,
    of: ({ row }) => row && of(row),
  });
  const part = ({ name, row }: Line) => {
    if (row === null) return null;
    const used = whole > 0 ? (100 * row.gpu_hours) / whole : 0;
    const target = due.get(name);
    return (
      <Meter part={used} fill="fill-mine">
        {target === undefined
          ? percent(used)
          : t("target", { used: percent(used), target: Math.round(target) })}
      </Meter>
    );
  };
  const quota = ({ name }: Line) => {
    const tenant = tenants.find((one) => one.name === name);
    return tenant && <OfQuota used={tenant.use?.gpus ?? 0} most={tenant.quota.max_gpus ?? null} />;
  };
  return [
    { head: "gpuHours", isNumber: true, of: ({ row }) => round(row?.gpu_hours ?? 0) },
    { head: by === "gpu" ? "ofTime" : due.size > 0 ? "share2" : "shareUsed", of: part },
    number("eff", (row) => percent(row.efficiency_percent)),
    number("idleHeld", (row) => hours(row.idle_gpu_hours)),
    ...(by === "gpu"
      ? isAdmin
        ? [number("foreign", (row) => hours(row.foreign_gpu_hours))]
        : []
      : [number("median", (row) => time(row.wait_p50_s)), number("p95", (row) => time(row.wait_p95_s))]),
    ...(by === "tenant" ? [{ head: "now", of: quota } as const] : []),
  ];
}

export function Division(props: Props) {
  const { report, by, names, tenants } = props;
  const t = useWords(words);
  const note = useNote();
  const { isAdmin } = useRights();
  const [edited, setEdited] = useState<Tenant | null | "new">(null);
  const lines = useLines(props);
  const columns = useColumns(props);
  const foreign = report.total.foreign_gpu_hours ?? 0;
  return (
    <section className="card" aria-labelledby="usage-tenants">
      <div className="usage-head">
        <h2 id="usage-tenants">{t(TITLES[by])}</h2>
        <span className="push" />
        {isAdmin && by === "tenant" && (
          <Button icon="plus" onClick={() => setEdited("new")}>
            {t("addTenant")}
          </Button>
        )}
      </div>
      <div className="scroll">
        <table className="grid middle usage-table">
          <thead>
            <tr>
              <th>{t(HEADS[by])}</th>
              {columns.map(({ head, isNumber }) => (
                <th key={head} className={isNumber ? "num" : ""}>
                  {t(head)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => {
              const tenant = by === "tenant" ? tenants.find(({ name }) => name === line.name) : undefined;
              const edit = isAdmin && tenant ? { onEdit: () => setEdited(tenant) } : {};
              return (
                <tr key={line.name}>
                  <td>
                    <Name line={line} by={by} names={names} {...edit} />
                  </td>
                  {columns.map(({ head, isNumber, of }) => (
                    <td key={head} className={isNumber ? "num" : ""} data-label={t(head)}>
                      {of(line)}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {(foreign > 0 || report.note !== null) && (
        <div className="pad second usage-notes">
          {foreign > 0 && <p>{t("took", { h: round(foreign) })}</p>}
          {report.note !== null && <p>{note(report.note)}</p>}
        </div>
      )}
      {edited !== null && (
        <TenantForm tenant={edited === "new" ? null : edited} onClose={() => setEdited(null)} />
      )}
    </section>
  );
}
