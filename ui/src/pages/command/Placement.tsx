/** On which cards the run is, among all others, and how many more it may take. */
import { Link } from "wouter";
import { useLive } from "../../store/live";
import { useResource } from "../../store/resource";
import { useWords } from "../../words";
import { wholeGib } from "../../words/format";
import type { Run } from "./files";
import { type Bar, barsOf, type Kind, type PlannedCard } from "./placing";
import { words } from "./words";

interface Plan {
  budget: { n_used: number; most: number; is_limited: boolean };
  gpus: PlannedCard[];
}

function Card({ bar }: { bar: Bar }) {
  const t = useWords(words);
  const kinds: Record<Kind, string> = {
    mine: t("ofFile"),
    others: t("ofOthers"),
    foreign: t("foreign"),
    reserved: t("reserved"),
  };
  const told = bar.parts.map(({ kind, mib }) => `${kinds[kind]} ${wholeGib(mib)} GiB`).join(", ");
  const label = `GPU ${bar.index}: ${told || t("free")}`;
  return (
    <Link
      className="place"
      href={`/gpu/${encodeURIComponent(String(bar.index))}`}
      aria-label={label}
      title={label}
    >
      <span className="membar">
        {bar.parts.map(({ kind, mib }) => (
          <span
            key={kind}
            className={`fill-${kind}`}
            style={{ width: `${(100 * mib) / Math.max(1, bar.total)}%` }}
          />
        ))}
      </span>
      <span className="second">{bar.index}</span>
    </Link>
  );
}

export function Placement({ run }: { run: Run }) {
  const t = useWords(words);
  const gpus = useLive((live) => live.gpus);
  const plan = useResource<Plan>("/api/plan", { on: ["task", "gpu", "config"], everyMs: 30_000 }).data;
  const budget = plan?.budget;
  const put = { used: budget?.n_used ?? 0, most: budget?.most ?? 0, mine: run.gpus_used.length };
  return (
    <section className="file-lane" aria-label={t("placement")}>
      <div className="row">
        <h3>{t("placement")}</h3>
        <span className="push second">{t(run.mode === "multi" ? "orderMulti" : "orderSingle")}</span>
      </div>
      <p className="second">{budget && t(budget.is_limited ? "budget" : "noBudget", put)}</p>
      <div className="places-row">
        {barsOf(gpus, run, plan?.gpus ?? []).map((bar) => (
          <Card key={bar.uuid} bar={bar} />
        ))}
      </div>
    </section>
  );
}
