/** One configuration: its text, its structure, what differs, its log files, and its run beside it. */
import { type FormEvent, useMemo, useRef, useState } from "react";
import { Button, Segments } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { Icon } from "../../parts/Icon";
import { Menu } from "../../parts/Menu";
import { TaskStatePill } from "../../parts/State";
import { act } from "../../parts/Toast";
import { useResource } from "../../store/resource";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import { Bindings } from "./Bindings";
import { Difference } from "./Difference";
import { useDraft } from "./draft";
import { Editor } from "./Editor";
import { at, type Difference as Found, isOver, type Run, type StoredFile, stateOf } from "./files";
import { countDifferent, queueNames } from "./lines";
import { goToLine, Mistakes } from "./Mistakes";
import { useNumbers } from "./numbers";
import { RunPanel } from "./RunPanel";
import { StartDialog } from "./StartDialog";
import { Structure } from "./Structure";
import { pickText, saveText } from "./texts";
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
  const numbers = useNumbers();
  const { maySubmit } = useRights();
  const [view, setView] = useState<View>("edit");
  const [isRenaming, setRenaming] = useState(false);
  const [isStarting, setStarting] = useState(false);
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
  const noStart = viewer ?? (isDraft ? t("saveFirst") : wrong);
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
  const nDiffers = useMemo(() => countDifferent(file.content, text), [file.content, text]);
  const diffCount = nDiffers + (difference.data ? difference.data.n_added + difference.data.n_removed : 0);
  const area = useRef<HTMLTextAreaElement>(null);
  const names = useMemo(() => queueNames(text), [text]);
  const show = (line: number) => {
    setView("edit");
    requestAnimationFrame(() => goToLine(area.current, line));
  };
  const load = () =>
    act(async () => {
      const found = await pickText(t("tooLong"));
      if (found === null) return;
      setView("edit");
      write(found);
    });
  const asStored = t("storedAs", {
    holds: `${numbers("task", file.n_tasks)}${t("comma")}${numbers("queue", file.n_queues)}`,
    at: when(file.modified_at, language),
    by: file.modified_by,
  });
  const news = isDraft
    ? t(nDiffers === 1 ? "unsaved1" : "unsaved", { n: nDiffers })
    : differs
      ? t("differs")
      : isRunning
        ? same
        : "";
  return (
    <>
      <section className="card file-view" aria-label={file.name}>
        <div className="file-head">
          <h2 className="cut" title={file.name}>
            <span className="quiet">
              {file.mode} {file.index} ·
            </span>{" "}
            {file.name}
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
              ["logs", file.n_bindings ? `${t("logs")} ${file.n_bindings}` : t("logs")],
            ]}
            onChange={setView}
          />
          <Menu
            label={t("more")}
            choices={[
              { text: t("duplicate"), icon: "copy", act: () => void acts.duplicate(file), refused: viewer },
              { text: t("rename"), icon: "edit", act: () => setRenaming(true), refused: viewer },
              { text: t("load"), icon: "up", act: () => void load(), refused: viewer },
              { text: t("download"), icon: "download", act: () => saveText(file.name, text) },
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
            area={area}
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
        {view === "edit" && n > 0 && (
          <Mistakes
            mistakes={checked.mistakes}
            text={text}
            mode={file.mode}
            area={area}
            isReadOnly={!maySubmit}
          />
        )}
        {view === "structure" && (
          <Structure queues={checked.queues} names={names} mode={file.mode} onLine={show} />
        )}
        {view === "diff" && <Difference found={difference.data} before={file.content} after={text} />}
        {view === "logs" && <Bindings file={file} mayWrite={maySubmit} />}
        <div className="file-end">
          <div className="grow">
            {news && <b>{news}</b>}
            {isRunning && (isDraft || differs) ? (
              <div className="second">{t("applyText")}</div>
            ) : (
              !isDraft && <div className="second">{asStored}</div>
            )}
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
            </span>
          )}
          <span className="push" />
          {isRunning ? (
            <Button icon="stop" kind="danger" refused={viewer} onClick={() => void acts.stop(file, run)}>
              {t("stop")}
            </Button>
          ) : (
            <>
              <Button refused={noStart} onClick={() => setStarting(true)}>
                {t("startWith")}
              </Button>
              <Button icon="play" kind="primary" refused={noStart} onClick={() => void acts.start(file)}>
                {t("start")}
              </Button>
            </>
          )}
        </div>
        <RunPanel run={run} file={file} />
      </section>
      {isStarting && (
        <StartDialog
          file={file}
          onStart={(options) => acts.startWith(file, options)}
          onClose={() => setStarting(false)}
        />
      )}
      {isRenaming && (
        <Rename file={file} onRename={(name) => acts.rename(file, name)} onClose={() => setRenaming(false)} />
      )}
    </>
  );
}
