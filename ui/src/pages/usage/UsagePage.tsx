/** Who used how much, who waited for what, and what each may use. */
import { useState } from "react";
import type { Tenant } from "../../api/types";
import { Button, Segments } from "../../parts/Button";
import { download } from "../../parts/download";
import { Empty } from "../../parts/Empty";
import { useLive } from "../../store/live";
import { useResource } from "../../store/resource";
import { useRights } from "../../store/session";
import { useWords } from "../../words";
import { DayBars } from "./DayBars";
import { Division } from "./Division";
import { Figures } from "./Figures";
import { OwnQuota } from "./OwnQuota";
import { Reasons } from "./Reasons";
import { Tokens } from "./Tokens";
import { type By, csvOf, dayAt, daysOf, leading, type Report } from "./usage";
import { AGAIN_MS, type Asked, type Range, useReports } from "./useReports";
import "./usage.css";
import { words } from "./words";

function save({ from, to, utc_offset_s: offsetS, rows }: Report): void {
  const [first, last] = [dayAt(Date.parse(from), offsetS), dayAt(Date.parse(to) - 1, offsetS)];
  download(`gavelq-usage-${first}-${last}.csv`, "text/csv", csvOf(rows));
}

/** Which time, and what it is divided by. */
function Choice({ asked, onAsk }: { asked: Asked; onAsk: (asked: Asked) => void }) {
  const t = useWords(words);
  const day = (end: "from" | "to") => (
    <input
      className="input"
      type="date"
      aria-label={t(end)}
      value={asked[end]}
      onChange={(event) => onAsk({ ...asked, [end]: event.target.value })}
    />
  );
  return (
    <>
      <Segments
        label={t("range")}
        value={asked.range}
        options={[
          ...(["24h", "7d", "14d", "90d"] as const).map(
            (range) =>
              [range, t(range === "24h" ? "nHours" : "nDays", { n: Number.parseInt(range, 10) })] as const,
          ),
          ["other", t("other")] as const,
        ]}
        onChange={(range: Range) => onAsk({ ...asked, range })}
      />
      {asked.range === "other" && (
        <span className="row">
          {day("from")} – {day("to")}
        </span>
      )}
      <Segments
        label={t("by")}
        value={asked.by}
        options={[
          ["tenant", t("tenant")],
          ["queue", t("queue")],
          ["gpu", t("byGpu")],
        ]}
        onChange={(by: By) => onAsk({ ...asked, by })}
      />
    </>
  );
}

export default function UsagePage() {
  const t = useWords(words);
  const { isAdmin, maySubmit } = useRights();
  const [asked, setAsked] = useState<Asked>(() => ({
    range: "14d",
    by: "tenant",
    from: dayAt(Date.now() - 29 * 86400e3, 0),
    to: "",
  }));
  const nGpus = useLive((live) => live.gpus.length);
  const { found, problem, isWrong } = useReports(asked);
  const all = useResource<Tenant[]>(isAdmin ? "/api/tenants" : null, {
    on: ["tenant", "token", "task"],
    everyMs: AGAIN_MS,
  });
  const own = useResource<Tenant>(isAdmin ? null : "/api/tenant", {
    on: ["tenant", "task"],
    everyMs: AGAIN_MS,
  });
  const tenants = all.data ?? (own.data ? [own.data] : []);
  const names = found ? leading(found.daily.rows, found.by) : [];
  const hasRun = found && (found.daily.total.n_started ?? 0) + found.daily.total.gpu_hours > 0;
  return (
    <>
      <h1 className="only-read">{t("title")}</h1>
      <div className="row wrap">
        <Choice asked={asked} onAsk={setAsked} />
        <span className="push" />
        <Button icon="download" disabled={found === null} onClick={() => found && save(found.daily)}>
          {t("csv")}
        </Button>
      </div>
      {isWrong && <p className="problem">{t("wrongRange")}</p>}
      {problem && <p className="problem">{problem.message}</p>}
      {found && <Figures report={found.whole} nGpus={nGpus} />}
      <div className="two">
        {hasRun ? (
          <DayBars
            days={daysOf(found.daily, found.daily.rows, found.foreign.rows, found.by, names)}
            today={dayAt(Date.now(), found.daily.utc_offset_s)}
            by={found.by}
            names={names}
            nGpus={nGpus}
          />
        ) : (
          <section className="card">
            {found && (
              <Empty
                title={t("nothing")}
                {...(maySubmit ? { command: 'gavelq submit "python train.py"' } : {})}
              >
                {maySubmit && t("nothingText")}
              </Empty>
            )}
          </section>
        )}
        <Reasons />
      </div>
      <div className="two">
        {found && <Division report={found.whole} by={found.by} names={names} tenants={tenants} />}
        <div className="stack usage-side">
          {own.data && <OwnQuota tenant={own.data} />}
          <Tokens tenants={tenants} />
        </div>
      </div>
    </>
  );
}
