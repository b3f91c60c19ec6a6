/** What can be done with a configuration. Every act tells what it did; what ends something asks first. */
import { useLocation } from "wouter";
import { get, Problem, post, put, remove } from "../../api/client";
import { confirm } from "../../parts/Dialog";
import { act, complain, toast } from "../../parts/Toast";
import { useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import { at, type Difference, type FileRow, type Mode, type Run, type StoredFile } from "./files";
import { useNumbers } from "./numbers";
import type { StartOptions } from "./StartDialog";
import { words } from "./words";

/** Running tasks that are named before they are ended. */
const MOST_NAMED = 8;

export function useFileActs(reload: () => void) {
  const t = useWords(words);
  const numbers = useNumbers();
  const language = useLanguage((choice) => choice.language);
  const [, go] = useLocation();

  const create = (mode: Mode) =>
    act(async () => {
      const made = await post<FileRow>(`/api/commands/${mode}/new`, {});
      reload();
      go(`/command/${mode}/${made.index}`);
    });

  /** Save a text; where somebody else was faster, ask whose is to stay. The stored file, or null. */
  const save = async (file: StoredFile, text: string, etag: string): Promise<StoredFile | null> => {
    const target = at("/api/commands", file);
    try {
      const saved = await put<StoredFile>(target, { content: text }, { etag });
      toast(t("saved"), () => put(target, { content: file.content }, { etag: saved.etag }).then(reload));
      reload();
      return saved;
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 412) {
        complain(error);
        return null;
      }
    }
    const theirs = await get<StoredFile>(target);
    const { isAgreed } = await confirm({
      title: t("conflict"),
      text: t("conflictText", { by: theirs.modified_by, at: when(theirs.modified_at, language) }),
      effect: t("mine"),
    });
    return isAgreed ? save(theirs, text, theirs.etag) : null;
  };

  const apply = (file: FileRow) =>
    act(async () => {
      const done = await post<Difference>(at("/api/scheduler", file, "/apply"), { dry_run: false });
      toast(t("applied", { added: done.n_added, removed: done.n_removed, moved: done.n_moved }));
      reload();
    });

  /** Throws Problem. */
  const startWith = async (file: FileRow, options: StartOptions) => {
    const run = await post<Run>(at("/api/scheduler", file, "/start"), options);
    toast(t("started", { name: file.name, tasks: numbers("task", run.total_tasks) }));
    reload();
  };

  const start = (file: FileRow) => act(() => startWith(file, {}));

  const stop = async (file: FileRow, run: Run) => {
    const n = run.running_tasks + run.pending_tasks;
    const ids = Object.values(run.queues)
      .filter((lane) => lane.running_tasks > 0 && lane.current_task_id !== null)
      .map((lane) => `#${lane.current_task_id}`);
    const named = ids.slice(0, MOST_NAMED).join(", ") + (ids.length > MOST_NAMED ? " …" : "");
    const ends = { tasks: numbers("task", run.running_tasks), named };
    const { isAgreed } = await confirm({
      title: t("stopAsk", { name: file.name }),
      text: [
        ...(run.running_tasks > 0 ? [t(named ? "stopEnds" : "stopEndsSome", ends)] : []),
        ...(run.pending_tasks > 0 ? [t("stopCancels", { tasks: numbers("task", run.pending_tasks) })] : []),
        t("stopKeeps"),
      ].join(" "),
      effect: t("stopEffect", { tasks: numbers("task", n) }),
    });
    if (!isAgreed) return;
    await act(() => post(at("/api/scheduler", file, "/stop")), t("stopped", { name: file.name }));
    reload();
  };

  const duplicate = (file: FileRow) =>
    act(async () => {
      const made = await post<FileRow>(at("/api/commands", file, "/duplicate"));
      toast(t("duplicated", { name: made.name }));
      reload();
      go(`/command/${made.mode}/${made.index}`);
    });

  const erase = async (file: FileRow) => {
    const { isAgreed } = await confirm({
      title: t("deleteAsk", { name: file.name }),
      text: t("deleteText"),
      effect: t("delete"),
    });
    if (!isAgreed) return;
    const isGone = await act(
      () => remove(`/api/commands/${file.mode}/${file.config_index}`),
      t("deleted", { name: file.name }),
    );
    if (!isGone) return;
    reload();
    go(`/command/${file.mode}/1`);
  };

  const reset = (file: StoredFile) =>
    act(async () => {
      const target = at("/api/commands", file);
      const after = await post<StoredFile>(at("/api/commands", file, "/reset"));
      reload();
      if (after.content === file.content) toast(t("resetSame"));
      else
        toast(t("resetDone", { name: file.name }), () =>
          put(target, { content: file.content }, { etag: after.etag }).then(reload),
        );
    });

  const rename = (file: StoredFile, name: string) =>
    act(async () => {
      await put(at("/api/commands", file), { content: file.content, name }, { etag: file.etag });
      reload();
    });

  return { create, save, apply, start, startWith, stop, duplicate, erase, reset, rename };
}
