/** Asks for a priority, 0 to 100. */
import { useState } from "react";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { type Pair, useWords } from "../../words";

const words = {
  priority: ["Priority", "优先级"],
  hint: ["0 to 100, higher goes first", "0 到 100，数值大者优先"],
  set: ["Set priority {n}", "设为 {n}"],
  cancel: ["Cancel", "取消"],
} as const satisfies Record<string, Pair>;

interface Props {
  title: string;
  /** What it is now. */
  from: number;
  onClose: () => void;
  onDone: (priority: number) => void;
}

export function PriorityDialog({ title, from, onClose, onDone }: Props) {
  const t = useWords(words);
  const [priority, setPriority] = useState(String(from));
  const isGood = /^\d{1,3}$/.test(priority) && Number(priority) <= 100;
  const done = () => {
    if (!isGood) return;
    onClose();
    onDone(Number(priority));
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack dialog-text" action={done}>
        <Field label={t("priority")} hint={t("hint")} problem={isGood ? null : t("hint")}>
          {(control) => (
            <input
              {...control}
              className="input"
              data-first
              inputMode="numeric"
              value={priority}
              onChange={(event) => setPriority(event.target.value)}
            />
          )}
        </Field>
        <div className="row dialog-end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit" disabled={!isGood}>
            {t("set", { n: isGood ? Number(priority) : "" })}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
