/** Into which queue a queue is merged, without a mouse. */
import { useState } from "react";
import type { Queue } from "../../api/types";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { type Pair, useWords } from "../../words";

const words = {
  title: ["Merge queue {from} into another", "将队列 {from} 合并到其他队列"],
  into: ["Queue", "队列"],
  cancel: ["Cancel", "取消"],
  go: ["Merge into {into}", "合并到 {into}"],
} as const satisfies Record<string, Pair>;

interface Props {
  from: string;
  queues: readonly Queue[];
  onClose: () => void;
  onDone: (into: string) => void;
}

export function MergeDialog({ from, queues, onClose, onDone }: Props) {
  const t = useWords(words);
  const others = queues.filter(({ name }) => name !== from);
  const [chosen, setInto] = useState("");
  // The chosen one may be deleted meanwhile, by somebody else.
  const into = (others.find(({ name }) => name === chosen) ?? others[0])?.name ?? "";
  return (
    <Dialog title={t("title", { from })} onClose={onClose}>
      <div className="stack dialog-text">
        <Field label={t("into")}>
          {(control) => (
            <select
              {...control}
              className="select"
              data-first
              value={into}
              onChange={(event) => setInto(event.target.value)}
            >
              {others.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Field>
        <div className="row dialog-end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button
            kind="primary"
            disabled={into === ""}
            onClick={() => {
              onClose();
              onDone(into);
            }}
          >
            {t("go", { into })}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
