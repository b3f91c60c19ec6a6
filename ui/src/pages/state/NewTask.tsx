/** A new task, with a dry run that says where and when it would start. */
import { useState } from "react";
import { useLocation } from "wouter";
import type { Problem } from "../../api/client";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { toast } from "../../parts/Toast";
import { useOnce } from "../../parts/useOnce";
import { useWords } from "../../words";
import { countOf, type Draft, FRESH, sweepOf } from "./newtask/draft";
import { Fields } from "./newtask/Fields";
import { keepDraft, kept } from "./newtask/kept";
import { asProblem, finder } from "./newtask/problems";
import { submit } from "./newtask/submit";
import { useTrial } from "./newtask/useTrial";
import { Verdict } from "./newtask/Verdict";
import { words } from "./newtask/words";
import "./newtask/newtask.css";

export function NewTask({ onClose }: { onClose: () => void }) {
  const t = useWords(words);
  const [, go] = useLocation();
  const [draft, setDraft] = useState<Draft>(kept);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const trial = useTrial(draft);
  const problem = refusal ?? trial.problem;
  const nTasks = sweepOf(draft) === null ? 1 : countOf(draft);
  const put = (changes: Partial<Draft>) => {
    const after = { ...draft, ...changes };
    setRefusal(null);
    setDraft(after);
    keepDraft(after);
  };
  const problemOf = finder(problem);
  const send = useOnce(async () => {
    setBusy(true);
    try {
      const { first, last, name, n, undo } = await submit(draft);
      onClose();
      go(`/state/${first}`);
      toast(n === 1 ? t("submitted", { id: first, name }) : t("submittedN", { n, id: first, last }), undo);
    } catch (error) {
      const found = asProblem(error);
      if (found === null) throw error;
      setRefusal(found);
    } finally {
      setBusy(false);
    }
  });
  const isEmpty = !draft.lease && draft.command.trim() === "";
  const isOff = isEmpty || isBusy || problem !== null;
  return (
    <Dialog title={t("title")} onClose={onClose} isWide>
      <form
        className="stack dialog-text task-form"
        action={send}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          if (!isOff) event.currentTarget.requestSubmit();
        }}
      >
        <Fields draft={draft} put={put} problemOf={problemOf} isNew />
        <div className="form-foot">
          <Verdict trial={{ answer: problem ? null : trial.answer, problem }} nTasks={nTasks} />
          <div className="row dialog-end">
            <Button kind="plain" onClick={() => put(FRESH)}>
              {t("clear")}
            </Button>
            <span className="push" />
            <Button onClick={onClose}>{t("cancel")}</Button>
            <Button kind="primary" type="submit" disabled={isOff}>
              {nTasks > 1 ? t("submitN", { n: nTasks }) : t("submit")}
            </Button>
          </div>
        </div>
      </form>
    </Dialog>
  );
}
