/** One configuration: its text, its structure, what differs, its log files, and its run beside it. */
import { type FormEvent, useState } from "react";
import { Button, Segments } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { Icon } from "../../parts/Icon";
import { Menu } from "../../parts/Menu";
import { TaskStatePill } from "../../parts/State";
import { useResource } from "../../store/resource";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import { Bindings } from "./Bindings";
import { Difference } from "./Difference";
import { useDraft } from "./draft";
import { Editor, Mistakes } from "./Editor";
import { at, type Difference as Found, isOver, type Run, type StoredFile, stateOf } from "./files";
import { countDifferent } from "./lines";
import { RunPanel } from "./RunPanel";
import { Structure } from "./Structure";
import { useCheck } from "./useCheck";
import type { useFileActs } from "./useFileActs";
import { words } from "./words";

type View = "edit" | "structure" | "diff" | "logs";

function Rename({
  file,
  onRename,
  onClose,
}: {
  file: StoredFile;
  onRename: (name: string) => Promise<boolean>;
  onClose: () => void;
}) {
  const t = useWords(words);
  const [name, setName] = useState(file.name);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await onRename(name)) onClose();
  };
  return (
    <Dialog title={t("rename")} onClose={onClose}>
      <form className="stack dialog-text" onSubmit={(event) => void submit(event)}>
        <Field label={t("name")}>
          {(control) => (
            <input
              {...control}
              className="input"
              required
              maxLength={200}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <div className="row dialog-end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit">
            {t("save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface Props {
  file: StoredFile;
  run: Run | null;
  acts: ReturnType<typeof useFileActs>;
}

export function FileView({ file, run, acts }: Props) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { maySubmit } = useRights();
  const [view, setView] = useState<View>("edit");
  const [isRenaming, setRenaming] = useState(false);
  const [draft, write, drop] = useDraft(file);
  const text = draft?.text ?? file.content;
  const isDraft = text !== file.content;
  const { checked, isFresh } = useCheck(file, file.mode, text);
  const n = isFresh ? checked.mistakes.length : 0;
  const isRunning = run !== null && !isOver(run);
  const difference = useResource<Found>(isRunning ? at("/api/scheduler", file, "/diff") : null, {
    on: ["file", "run"],
  });
  const differs = isRunning && (difference.data?.is_changed ?? false);
  const viewer = maySubmit ? null : t("viewer");
  const wrong = n > 0 ? t("fixFirst") : null;
  const save = async () => {
    const saved = await acts.save(file, text, draft?.etag ?? file.etag);
    if (saved) drop();
    return saved !== null;
  };
  const applyAll = async () => {
    if (isDraft && !(await save())) return;
    await acts.apply(file);
    difference.reload();
  };
  const same = difference.data?.n_started ? t("begun") : t("same");
  const nDiffers = isDraft ? countDifferent(file.content, text) : 0;
  const diffCount = nDiffers + (difference.data ? difference.data.n_added + difference.data.n_removed : 0);
  return (
    <>
      <section className="card file-view" aria-label={file.name}>
        <div className="file-head">
          <h2 className="cut">
            {file.mode} {file.index} · {file.name}
          </h2>
          {isFresh ? (
            <span className={`pill role-${n ? "bad" : "ok"}`}>
              <Icon name={n ? "warning" : "check"} />
              {n === 0 ? t("valid") : n === 1 ? t("error") : t("errors", { n })}
            </span>
          ) : (
            <span className="pill role-idle">{t("checking")}</span>
          )}
          <span className="push" />
          <Segments
            label={t("view")}
            value={view}
            options={[
              ["edit", t("edit")],
              ["structure", t("structure")],
              ["diff", diffCount ? `${t("diff")} ${diffCount}` : t("diff")],
              ["logs", t("logs")],
            ]}
            onChange={setView}
          />
          <Menu
            label={t("more")}
            choices={[
              { text: t("duplicate"), icon: "copy", act: () => void acts.duplicate(file), refused: viewer },
              { text: t("rename"), icon: "edit", act: () => setRenaming(true), refused: viewer },
              { text: t("reset"), icon: "undo", act: () => void acts.reset(file), refused: viewer },
              {
                text: t("delete"),
                icon: "trash",
                act: () => void acts.erase(file),
                refused: viewer ?? (file.index === 1 ? t("firstStays") : isRunning ? t("isRunning") : null),
              },
            ]}
          />
        </div>
        {view === "edit" && (
          <Editor
            label={t("editor", { name: file.name })}
            mode={file.mode}
            text={text}
            stored={file.content}
            checked={checked}
            isFresh={isFresh}
            isReadOnly={!maySubmit}
            onChange={write}
            onSave={() => void save()}
          />
        )}
        {view === "edit" && n > 0 && <Mistakes mistakes={checked.mistakes} />}
        {view === "structure" && <Structure queues={checked.queues} mode={file.mode} />}
        {view === "diff" && <Difference found={difference.data} before={file.content} after={text} />}
        {view === "logs" && <Bindings file={file} mayWrite={maySubmit} />}
        <div className="file-end">
          <div className="grow">
            <b>{isDraft ? t("unsaved", { n: nDiffers }) : differs ? t("differs") : isRunning ? same : ""}</b>
            {(isDraft || differs) && isRunning && <div className="second">{t("applyText")}</div>}
          </div>
          {isDraft && (
            <>
              <Button icon="undo" onClick={drop}>
                {t("discard")}
              </Button>
              <Button kind={isRunning ? "normal" : "primary"} refused={viewer} onClick={() => void save()}>
                {t("save")}
              </Button>
            </>
          )}
          {isRunning && (isDraft || differs) && (
            <Button icon="check" kind="primary" refused={viewer ?? wrong} onClick={() => void applyAll()}>
              {t(isDraft ? "saveApply" : "apply")}
            </Button>
          )}
        </div>
      </section>
      <section className="card run-panel" aria-label={t("running")}>
        <div className="file-head">
          {run && <TaskStatePill state={stateOf(run.state)} />}
          {run && (
            <span className="second">
              {t("startedBy", { at: when(run.started_at, language), by: run.started_by, run: run.run })}
              {run.ended_at && `, ${t("ended", { at: when(run.ended_at, language) })}`}
            </span>
          )}
          <span className="push" />
          {isRunning ? (
            <Button icon="stop" kind="danger" refused={viewer} onClick={() => void acts.stop(file, run)}>
              {t("stop")}
            </Button>
          ) : (
            <Button
              icon="play"
              kind="primary"
              refused={viewer ?? (isDraft ? t("saveFirst") : wrong)}
              onClick={() => void acts.start(file)}
            >
              {t("start")}
            </Button>
          )}
        </div>
        <RunPanel run={run} file={file} />
      </section>
      {isRenaming && (
        <Rename file={file} onRename={(name) => acts.rename(file, name)} onClose={() => setRenaming(false)} />
      )}
    </>
  );
}
