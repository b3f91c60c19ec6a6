/** A task's request with changes: of one that has not started (edit), or of a new one like it (rerun). */
import { useState } from "react";
import { get, type Problem, patch, post } from "../../../api/client";
import type { Task, TaskDetails } from "../../../api/types";
import { Button } from "../../../parts/Button";
import { Dialog } from "../../../parts/Dialog";
import { Refusal } from "../../../parts/Refusal";
import { toast } from "../../../parts/Toast";
import { useOnce } from "../../../parts/useOnce";
import { touch } from "../../../store/live";
import { useWords } from "../../../words";
import { changesOf, type Draft, draftOf } from "./draft";
import { Fields } from "./Fields";
import { asProblem, finder, refusalOf } from "./problems";
import { words } from "./words";
import "./newtask.css";

/** The status of an answer: its version is not the one that was edited. */
const CHANGED_MEANWHILE = 412;

interface Props {
  task: TaskDetails;
  kind: "edit" | "rerun";
  /** What is proposed, such as more memory. */
  proposed?: Partial<Draft>;
  onClose: () => void;
  /** The task that was made or changed. */
  onDone: (task: Task) => void;
}

export function ChangeDialog({ task, kind, proposed = {}, onClose, onDone }: Props) {
  const t = useWords(words);
  const [before, setBefore] = useState(() => draftOf(task));
  const [etag, setEtag] = useState(task.etag);
  const [draft, setDraft] = useState<Draft>({ ...before, ...proposed });
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isOvertaken, setOvertaken] = useState(false);
  const changes = changesOf(before, draft);
  const isSame = Object.keys(changes).length === 0;
  const put = (some: Partial<Draft>) => {
    setProblem(null);
    setDraft({ ...draft, ...some });
  };
  const problemOf = finder(problem);
  /** Somebody was faster: what the reader changed goes on top of what it is now, to be looked at once more. */
  const rebase = async () => {
    const now = await get<TaskDetails>(`/api/tasks/${task.id}`);
    const base = draftOf(now);
    const own = Object.entries(draft).filter(([name, value]) => before[name as keyof Draft] !== value);
    setBefore(base);
    setEtag(now.etag);
    setDraft({ ...base, ...Object.fromEntries(own) });
    setOvertaken(true);
  };
  const send = useOnce(async () => {
    try {
      const made =
        kind === "edit"
          ? await patch<Task>(`/api/tasks/${task.id}`, changes, { etag })
          : await post<Task>(`/api/tasks/${task.id}/rerun`, changes);
      touch(task.id, made.id);
      onClose();
      onDone(made);
      if (kind === "edit")
        toast(t("edited", { id: task.id }), () => patch(`/api/tasks/${task.id}`, changesOf(draft, before)));
      else toast(t("rerunDone", { old: task.id, id: made.id }), () => post(`/api/tasks/${made.id}/kill`));
    } catch (error) {
      const found = asProblem(error);
      if (found === null) throw error;
      if (found.status === CHANGED_MEANWHILE) await rebase().catch(() => setProblem(found));
      else setProblem(found);
    }
  });
  return (
    <Dialog title={t(kind === "edit" ? "editTitle" : "rerunTitle", { id: task.id })} onClose={onClose} isWide>
      <form className="stack dialog-text task-form" action={send}>
        <Fields draft={draft} put={put} problemOf={problemOf} isNew={false} />
        <div className="form-foot">
          <Refusal text={problem && refusalOf(problem).lines.join(" ")} />
          {isOvertaken && problem === null && (
            <p className="role-wait overtaken" role="status">
              {t("overtaken")}
            </p>
          )}
          <div className="row dialog-end">
            {kind === "edit" && isSame && <span className="second">{t("nothing")}</span>}
            <span className="push" />
            <Button onClick={onClose}>{t("cancel")}</Button>
            <Button kind="primary" type="submit" disabled={kind === "edit" && isSame}>
              {t(kind === "edit" ? "save" : "rerun")}
            </Button>
          </div>
        </div>
      </form>
    </Dialog>
  );
}
