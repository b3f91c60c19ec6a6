/** Who used how much, who waited for what, and what each may use. */
import { useState } from "react";
import { path } from "../../api/client";
import type { Tenant } from "../../api/types";
import { Button, Segments } from "../../parts/Button";
import { download } from "../../parts/download";
import { Empty } from "../../parts/Empty";
import { useLive } from "../../store/live";
import { useResource } from "../../store/resource";
import { useRights } from "../../store/session";
import { useWords } from "../../words";
import { DayBars } from "./DayBars";
import { Figures } from "./Figures";
import { Reasons } from "./Reasons";
import { Tenants } from "./Tenants";
import { Tokens } from "./Tokens";
import { type By, csvOf, daysOf, leading, type Report } from "./usage";
import "./usage.css";
import { words } from "./words";

type Range = "24h" | "7d" | "14d" | "90d" | "other";

const AGAIN_MS = 60_000;

function save(report: Report): void {
  const name = `gavelq-usage-${report.from.slice(0, 10)}-${report.to.slice(0, 10)}.csv`;
  download(name, "text/csv", csvOf(report.rows));
}

function useReports(range: Range, from: string, to: string, by: By) {
  const span =
    range === "other"
      ? { since: `${from}T00:00:00Z`, until: to ? `${to}T23:59:59Z` : null }
      : { since: `-${range}` };
  const isGiven = range !== "other" || from !== "";
  const read = (division: string) => (isGiven ? path("/api/usage", { ...span, by: division }) : null);
  const daily = useResource<Report>(read(`${by},day`), { everyMs: AGAIN_MS });
  const whole = useResource<Report>(read(by), { everyMs: AGAIN_MS });
  const foreign = useResource<Report>(read("day"), { everyMs: AGAIN_MS });
  return { daily: daily.data, whole: whole.data, foreign: foreign.data, problem: whole.problem };
}

export default function UsagePage() {
  const t = useWords(words);
  const { isAdmin } = useRights();
  const [range, setRange] = useState<Range>("14d");
  const [by, setBy] = useState<By>("tenant");
  const [from, setFrom] = useState(() => new Date(Date.now() - 30 * 86400e3).toISOString().slice(0, 10));
  const [to, setTo] = useState("");
  const nGpus = useLive((live) => live.gpus.length);
  const { daily, whole, foreign, problem } = useReports(range, from, to, by);
  const all = useResource<Tenant[]>(isAdmin ? "/api/tenants" : null, {
    on: ["tenant", "token"],
    everyMs: AGAIN_MS,
  });
  const own = useResource<Tenant>(isAdmin ? null : "/api/tenant", { on: ["tenant"], everyMs: AGAIN_MS });
  const tenants = all.data ?? (own.data ? [own.data] : []);
  const names = daily ? leading(daily.rows, by) : [];
  return (
    <>
      <h1 className="only-read">{t("title")}</h1>
      <div className="row wrap">
        <Segments
          label={t("range")}
          value={range}
          options={[
            ["24h", "24 h"],
            ["7d", "7 d"],
            ["14d", "14 d"],
            ["90d", "90 d"],
            ["other", t("other")],
          ]}
          onChange={setRange}
        />
        {range === "other" && (
          <>
            <input
              className="input"
              type="date"
              aria-label={t("from")}
              value={from}
              onChange={(e) => setFrom(e.target.value)}
            />
            <input
              className="input"
              type="date"
              aria-label={t("to")}
              value={to}
              onChange={(e) => setTo(e.target.value)}
            />
          </>
        )}
        <Segments
          label={t("by")}
          value={by}
          options={[
            ["tenant", t("tenant")],
            ["queue", t("queue")],
          ]}
          onChange={setBy}
        />
        <span className="push" />
        <Button icon="download" disabled={daily === null} onClick={() => daily && save(daily)}>
          {t("csv")}
        </Button>
      </div>
      {problem && <p className="problem">{problem.message}</p>}
      {whole && <Figures report={whole} nGpus={nGpus} />}
      <div className="two">
        {daily && foreign && daily.total.n_started + daily.total.gpu_hours > 0 ? (
          <DayBars
            days={daysOf(daily.from, daily.to, daily.rows, foreign.rows, by, names)}
            names={names}
            nGpus={nGpus}
          />
        ) : (
          <section className="card">
            {daily && foreign && (
              <Empty title={t("nothing")} command='gavelq submit "python train.py"'>
                {t("nothingText")}
              </Empty>
            )}
          </section>
        )}
        <Reasons />
      </div>
      <div className="two">
        {whole && <Tenants report={whole} by={by} names={names} tenants={tenants} />}
        {isAdmin && <Tokens tenants={tenants} />}
      </div>
    </>
  );
}
