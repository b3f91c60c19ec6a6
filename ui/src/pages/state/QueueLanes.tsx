/** Queues as lanes: counts, cards, limits, pause, and everything else in a menu; one is merged by dropping it. */
import { useMemo, useState } from "react";
import type { Queue } from "../../api/types";
import { Button } from "../../parts/Button";
import { Icon } from "../../parts/Icon";
import { useLive } from "../../store/live";
import { useRights } from "../../store/session";
import { type Pair, useWords } from "../../words";
import { ordered } from "./lanes";
import { MergeDialog } from "./MergeDialog";
import { QueueDialog } from "./QueueDialog";
import { QueueLane } from "./QueueLane";
import { useQueueActs } from "./useQueueActs";
import "./lanes.css";

const words = {
  lanes: ["Queues", "队列"],
  add: ["New queue", "新建队列"],
  more: ["All {n} queues", "全部 {n} 个队列"],
  fewer: ["Fewer queues", "收起队列"],
  admins: ["Only admins change queues", "只有管理员可以更改队列"],
} as const satisfies Record<string, Pair>;

interface Props {
  /** The filter's text: a lane whose `queue:` token is in it is marked. */
  filter: string;
  onFilter: (token: string) => void;
  /** So many are shown until the reader asks for all. */
  most: number;
}

export function QueueLanes({ filter, onFilter, most }: Props) {
  const t = useWords(words);
  const { isAdmin } = useRights();
  const queues = useLive((live) => live.queues);
  const [isAll, setAll] = useState(false);
  const [edited, setEdited] = useState<Queue | "new" | null>(null);
  const [merged, setMerged] = useState<string | null>(null);
  const acts = useQueueActs();
  const all = useMemo(() => ordered(queues), [queues]);
  const shown = isAll || all.length <= most ? all : all.slice(0, most);
  const refused = isAdmin ? null : t("admins");
  return (
    <section className="lanes" aria-label={t("lanes")}>
      {shown.map((queue) => (
        <QueueLane
          key={queue.name}
          queue={queue}
          refused={refused}
          filter={filter}
          onFilter={onFilter}
          acts={acts}
          onEdit={() => setEdited(queue)}
          onNew={() => setEdited("new")}
          onMerge={() => setMerged(queue.name)}
        />
      ))}
      <div className="lane-end">
        {isAdmin && (
          <button type="button" className="lane-new" onClick={() => setEdited("new")}>
            <Icon name="plus" />
            {t("add")}
          </button>
        )}
        {all.length > most && (
          <Button kind="plain" size="small" onClick={() => setAll(!isAll)}>
            {t(isAll ? "fewer" : "more", { n: all.length })}
          </Button>
        )}
      </div>
      {edited !== null && (
        <QueueDialog queue={edited === "new" ? null : edited} onClose={() => setEdited(null)} />
      )}
      {merged !== null && (
        <MergeDialog
          from={merged}
          queues={all}
          onClose={() => setMerged(null)}
          onDone={(into) => void acts.merge(merged, into)}
        />
      )}
    </section>
  );
}
