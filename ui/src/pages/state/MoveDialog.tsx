/** Into which queue tasks are moved. */
import { useState } from "react";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { useLive } from "../../store/live";
import { type Pair, useWords } from "../../words";

const words = {
  queue: ["Queue", "队列"],
  hint: ["What runs keeps its GPUs", "运行中的任务保留其 GPU"],
  holds: ["{name} (holds its tasks)", "{name}（挂起其任务）"],
  paused: ["{name} (paused)", "{name}（已暂停）"],
  cancel: ["Cancel", "取消"],
  move: ["Move to {name}", "移到 {name}"],
} as const satisfies Record<string, Pair>;

interface Props {
  title: string;
  /** Where they are: another one is proposed. */
  from: string;
  onClose: () => void;
  onDone: (queue: string) => void;
}

export function MoveDialog({ title, from, onClose, onDone }: Props) {
  const t = useWords(words);
  const queues = useLive((live) => live.queues);
  const [chosen, setQueue] = useState(queues.find(({ name }) => name !== from)?.name ?? from);
  // The chosen one may be deleted meanwhile, by somebody else.
  const queue = queues.some(({ name }) => name === chosen) ? chosen : from;
  const done = () => {
    onClose();
    onDone(queue);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack dialog-text" action={done}>
        <Field label={t("queue")} hint={t("hint")}>
          {(control) => (
            <select
              {...control}
              className="select"
              data-first
              value={queue}
              onChange={(event) => setQueue(event.target.value)}
            >
              {queues.map(({ name, hold, paused }) => (
                <option key={name} value={name}>
                  {hold ? t("holds", { name }) : paused ? t("paused", { name }) : name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <div className="row dialog-end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit">
            {t("move", { name: queue })}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
