/** All GPUs: the strip, what blocks, a card each, and the plan. */
import { useState } from "react";
import type { GpuState } from "../../api/types";
import { Button } from "../../parts/Button";
import { Empty } from "../../parts/Empty";
import { useNarrow } from "../../parts/useSize";
import { useKeys } from "../../shell/keys";
import { useLive } from "../../store/live";
import { useRights } from "../../store/session";
import { useWords } from "../../words";
import { Banner } from "./Banner";
import { GpuCard } from "./GpuCard";
import { GpuRow } from "./GpuRow";
import { type Hours, Plan } from "./Plan";
import { isShown, StatusStrip } from "./StatusStrip";
import { meanOf, useCards, useEnded, useHour, usePlan } from "./useCards";
import { words } from "./words";

function NoGpu() {
  const t = useWords(words);
  return (
    <section className="card">
      <Empty title={t("noneTitle")} command="gavelq doctor">
        {t("noneText")}
      </Empty>
    </section>
  );
}

/** To the next card, or the one before. */
function step(by: number): void {
  const all = [...document.querySelectorAll<HTMLElement>(".gpu-open, .gpu-row")];
  const here = all.indexOf(document.activeElement as HTMLElement);
  all[here < 0 ? 0 : Math.min(all.length - 1, Math.max(0, here + by))]?.focus();
}

export function Overview() {
  const t = useWords(words);
  useKeys({ j: () => step(1), k: () => step(-1) });
  const isNarrow = useNarrow();
  const isLoaded = useLive((live) => live.isLoaded);
  const me = useRights().tenant;
  const [group, setGroup] = useState<GpuState | null>(null);
  const [hours, setHours] = useState<Hours>("6");
  const plan = usePlan(hours);
  const hour = useHour();
  const all = useCards(plan, hour);
  const ended = useEnded();
  if (!isLoaded) return null;
  const cards = all.filter(({ gpu }) => isShown(gpu, group));
  const Card = isNarrow ? GpuRow : GpuCard;
  return (
    <>
      <h1 className="only-read">{t("title")}</h1>
      <StatusStrip group={group} onGroup={setGroup} hour={meanOf([...hour.values()])} />
      <Banner />
      {all.length === 0 ? (
        <NoGpu />
      ) : cards.length === 0 ? (
        <section className="card empty">
          <h3>{t("noneShown")}</h3>
          <Button onClick={() => setGroup(null)}>{t("showAll")}</Button>
        </section>
      ) : (
        <div className={isNarrow ? "card gpu-rows" : "gpu-cards"}>
          {cards.map((card) => (
            <Card key={card.gpu.uuid} {...card} />
          ))}
        </div>
      )}
      {all.length > 0 && !isNarrow && (
        <Plan
          gpus={cards.map(({ gpu }) => gpu)}
          answer={plan}
          ended={ended}
          me={me}
          hours={hours}
          onHours={setHours}
        />
      )}
    </>
  );
}
