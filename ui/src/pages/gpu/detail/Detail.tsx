/** One GPU: its history, what it does now, who uses it, and what can be done with it. */
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { useShallow } from "zustand/react/shallow";
import type { Gpu } from "../../../api/types";
import { Segments } from "../../../parts/Button";
import { GpuGlyph } from "../../../parts/Glyph";
import { Icon } from "../../../parts/Icon";
import { useKeys } from "../../../shell/keys";
import { useLive } from "../../../store/live";
import { useRights } from "../../../store/session";
import { say, useLanguage, useWords } from "../../../words";
import { GPU_STATES } from "../../../words/states";
import { Banner } from "../Banner";
import { cardPath } from "../cards";
import { StatusStrip } from "../StatusStrip";
import { useHour, usePlan } from "../useCards";
import { Charts, CsvButton } from "./Charts";
import "./detail.css";
import { Facts } from "./Facts";
import { Happened } from "./Happened";
import { Processes } from "./Processes";
import { RANGES, type Range, useHistory } from "./useHistory";
import { words } from "./words";

const NAMES = Object.keys(RANGES) as Range[];

/** More cards than this stand closer together. */
const MANY = 9;

/** All cards, to go from one to the next. */
function Others({ here }: { here: string | null }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const gpus = useLive(useShallow((live) => live.gpus));
  return (
    <nav className={`detail-others ${gpus.length > MANY ? "many" : ""}`} aria-label={t("gpus")}>
      {gpus.map((gpu) => (
        <Link
          key={gpu.uuid}
          href={cardPath(gpu)}
          aria-current={gpu.uuid === here ? "page" : undefined}
          aria-label={`GPU ${gpu.index}, ${say(GPU_STATES[gpu.state].words, language)}`}
        >
          <GpuGlyph state={gpu.state} /> {gpu.index}
        </Link>
      ))}
    </nav>
  );
}

/** The strip stands above where there is no page of all GPUs. */
function Alone() {
  const hour = useHour();
  return (
    <>
      <StatusStrip group={null} onGroup={() => undefined} hour={[...hour.values()][0] ?? []} />
      <Banner />
    </>
  );
}

/** `j` and `k` lead to the next card and the one before, Escape to all of them. */
function useSteps(gpu: Gpu): void {
  const [, go] = useLocation();
  const gpus = useLive(useShallow((live) => live.gpus.map(cardPath)));
  const here = gpus.indexOf(cardPath(gpu));
  const to = (by: number) => {
    const next = gpus[here + by];
    if (next !== undefined) go(next);
  };
  const back = () => go("/gpu");
  useKeys({ j: () => to(1), k: () => to(-1), Escape: back });
}

function Shown({ gpu, isAlone }: { gpu: Gpu; isAlone: boolean }) {
  const t = useWords(words);
  useSteps(gpu);
  const [range, setRange] = useState<Range>("1h");
  const history = useHistory(gpu, range);
  const plan = usePlan("6");
  const byId = useLive((live) => live.tasks);
  const me = useRights().tenant;
  return (
    <>
      {isAlone && <Alone />}
      <div className="row wrap detail-bar">
        {!isAlone && (
          <Link href="/gpu" className="row detail-back">
            <Icon name="left" /> {t("all")}
          </Link>
        )}
        {!isAlone && <Others here={gpu.uuid} />}
        <span className="push" />
        <Segments
          label={t("range")}
          value={range}
          options={NAMES.map((name) => [name, name.replace(/(\d+)/, "$1 ")] as const)}
          onChange={setRange}
        />
        <CsvButton gpu={gpu} history={history} />
      </div>
      <div className="detail">
        <section className="card pad detail-charts" aria-label={t("history", { n: gpu.index })}>
          {history !== null && <Charts gpu={gpu} history={history} />}
        </section>
        <div className="detail-side">
          <Facts gpu={gpu} byId={byId} me={me} plan={plan?.gpus.find((one) => one.uuid === gpu.uuid)} />
          <Processes gpu={gpu} />
          <Happened gpu={gpu} history={history} />
        </div>
      </div>
    </>
  );
}

export default function Detail({ name, isAlone }: { name: string; isAlone: boolean }) {
  const t = useWords(words);
  const isLoaded = useLive((live) => live.isLoaded);
  const gpu = useLive((live) => live.gpus.find((one) => String(one.index) === name || one.uuid === name));
  if (!isLoaded) return null;
  if (gpu !== undefined) return <Shown key={gpu.uuid} gpu={gpu} isAlone={isAlone} />;
  return (
    <section className="card empty">
      <h1>{t("gone", { name })}</h1>
      <p className="second">{t("goneText")}</p>
      <Others here={null} />
    </section>
  );
}
