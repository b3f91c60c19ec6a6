/** What can be done to the selected tasks; each button says to how many of them. */
import { useState } from "react";
import type { Row } from "../../api/types";
import { Button } from "../../parts/Button";
import type { IconName } from "../../parts/Icon";
import { type Pair, useWords } from "../../words";
import { MoveDialog } from "./MoveDialog";
import { PriorityDialog } from "./PriorityDialog";
import type { Actions } from "./useActions";
import { applies, VERBS, type Verb } from "./verbs";
import "./selection.css";

const words = {
  bar: ["Selected tasks", "所选任务"],
  selected: ["{n} selected", "已选 {n} 个"],
  clear: ["Clear the selection", "取消选择"],
  kill: ["Kill", "结束"],
  hold: ["Hold", "挂起"],
  run: ["Release", "放行"],
  move: ["Move", "移动"],
  priority: ["Priority", "优先级"],
  rerun: ["Rerun", "重新运行"],
  remove: ["Remove", "移除"],
  notKill: ["All of them have ended", "均已结束"],
  notHold: ["None of them is pending", "没有等待中的任务"],
  notRun: ["None of them is held", "没有挂起的任务"],
  notMove: ["All of them have ended", "均已结束"],
  notPriority: ["None of them waits", "没有未启动的任务"],
  notRerun: ["None of them has ended", "没有已结束的任务"],
  notRemove: ["None of them is held or ended", "没有挂起或已结束的任务"],
  one: ["#{id} {name}", "#{id} {name}"],
  many: ["{n} tasks", "{n} 个任务"],
  moveTitle: ["Move {what} to another queue", "将 {what} 移到其他队列"],
  prioTitle: ["Priority of {what}", "{what} 的优先级"],
} as const satisfies Record<string, Pair>;

const ICONS: Record<Verb, IconName> = {
  kill: "stop",
  hold: "pause",
  run: "play",
  move: "right",
  priority: "up",
  rerun: "undo",
  remove: "trash",
};

const NOT = {
  kill: "notKill",
  hold: "notHold",
  run: "notRun",
  move: "notMove",
  priority: "notPriority",
  rerun: "notRerun",
  remove: "notRemove",
} as const satisfies Record<Verb, keyof typeof words>;

interface Props {
  rows: readonly Row[];
  /** Why nothing may be done; null: it may. */
  refused: string | null;
  actions: Actions;
  onClear: () => void;
}

export function SelectionBar({ rows, refused, actions, onClear }: Props) {
  const t = useWords(words);
  const [asked, setAsked] = useState<"move" | "priority" | null>(null);
  const [isBusy, setBusy] = useState(false);
  const those = (verb: Verb) => rows.filter((row) => applies(verb, row));
  const what = (verb: Verb) => {
    const [only, ...others] = those(verb);
    if (only === undefined || others.length > 0) return t("many", { n: those(verb).length });
    return t("one", { id: only.id, name: only.name });
  };
  const run = async (doing: Promise<boolean>) => {
    setBusy(true);
    try {
      await doing;
    } finally {
      setBusy(false);
    }
  };
  const press = (verb: Verb) => {
    if (verb === "move" || verb === "priority") setAsked(verb);
    else void run(actions.act(verb, those(verb)));
  };
  return (
    <div className="selection row" role="toolbar" aria-label={t("bar")}>
      <Button icon="close" onlyIcon size="small" kind="plain" onClick={onClear}>
        {t("clear")}
      </Button>
      <b className="name">{t("selected", { n: rows.length })}</b>
      {VERBS.map((verb) => {
        const n = those(verb).length;
        return (
          <Button
            key={verb}
            size="small"
            icon={ICONS[verb]}
            kind={verb === "kill" || verb === "remove" ? "danger" : "normal"}
            disabled={isBusy}
            refused={refused ?? (n === 0 ? t(NOT[verb]) : null)}
            onClick={() => press(verb)}
          >
            {t(verb)}
            {n > 0 && n < rows.length ? ` ${n}` : ""}
          </Button>
        );
      })}
      {asked === "move" && (
        <MoveDialog
          title={t("moveTitle", { what: what("move") })}
          from={those("move")[0]?.queue ?? ""}
          onClose={() => setAsked(null)}
          onDone={(queue) => void run(actions.move(those("move"), queue))}
        />
      )}
      {asked === "priority" && (
        <PriorityDialog
          title={t("prioTitle", { what: what("priority") })}
          from={those("priority")[0]?.priority ?? 0}
          onClose={() => setAsked(null)}
          onDone={(priority) => void run(actions.prioritize(those("priority"), priority))}
        />
      )}
    </div>
  );
}
