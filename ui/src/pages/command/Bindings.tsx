/** Log files of one's own, bound to tasks of a configuration; read here, followed, taken back. */
import { type FormEvent, useState } from "react";
import { Problem, path, post, remove } from "../../api/client";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Empty } from "../../parts/Empty";
import { Field } from "../../parts/Field";
import { act, toast } from "../../parts/Toast";
import { useNow } from "../../shell/Connection";
import { useResource } from "../../store/resource";
import { useLanguage, useWords } from "../../words";
import { since, span } from "../../words/format";
import type { Binding, FileRow, StoredFile } from "./files";
import { words } from "./words";

function placeOf(file: FileRow, one: { queue_id: string; process_index: number }) {
  const { mode, config_index } = file;
  return { mode, config_index, queue_id: one.queue_id, process_index: one.process_index };
}

function BindForm({
  file,
  roots,
  onClose,
  onDone,
}: {
  file: StoredFile;
  roots: string[];
  onClose: () => void;
  onDone: () => void;
}) {
  const t = useWords(words);
  const blocks = Object.entries(file.queues).flatMap(([queue, some]) =>
    some.map((block) => ({ queue, block })),
  );
  const [chosen, setChosen] = useState(0);
  const [target, setTarget] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const bind = async (event: FormEvent) => {
    event.preventDefault();
    const one = blocks[chosen];
    if (one === undefined) return;
    try {
      const place = placeOf(file, { queue_id: one.queue, process_index: one.block.process_index });
      await post("/api/log/bind", { ...place, log_path: target });
      toast(t("bindDone", { path: target }));
      onDone();
      onClose();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    }
  };
  return (
    <Dialog title={t("bindTitle")} onClose={onClose}>
      <form className="stack dialog-text" onSubmit={(event) => void bind(event)}>
        <Field label={t("bindTask")}>
          {(control) => (
            <select
              {...control}
              className="select"
              value={chosen}
              onChange={(event) => setChosen(Number(event.target.value))}
            >
              {blocks.map(({ queue, block }, i) => (
                <option key={`${queue}-${block.process_index}`} value={i}>
                  {queue}: {block.commands.at(-1)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field
          label={t("path")}
          problem={problem?.message ?? null}
          hint={t("pathHint", { roots: roots.join(", ") })}
        >
          {(control) => (
            <input
              {...control}
              className="input mono"
              required
              maxLength={4096}
              value={target}
              onChange={(event) => setTarget(event.target.value)}
            />
          )}
        </Field>
        <div className="row dialog-end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit" disabled={blocks.length === 0}>
            {t("bind")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Content({ file, binding }: { file: FileRow; binding: Binding }) {
  const query = { ...placeOf(file, binding), tail_lines: 200 };
  const { data } = useResource<{ content: string }>(binding.exists ? path("/api/log/content", query) : null, {
    everyMs: 2000,
  });
  return (
    <pre className="bound-log scroll" tabIndex={0}>
      {data?.content}
    </pre>
  );
}

export function Bindings({ file, mayWrite }: { file: StoredFile; mayWrite: boolean }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const now = useNow(5000);
  const [isNew, setNew] = useState(false);
  const [open, setOpen] = useState<string | null>(null);
  const target = path("/api/log/bindings", { mode: file.mode, config_index: file.config_index });
  const found = useResource<{ bindings: Record<string, Binding>; roots: string[] }>(target, {
    on: ["file"],
    everyMs: 5000,
  });
  const all = Object.values(found.data?.bindings ?? {});
  const unbind = async (one: Binding) => {
    const place = path("/api/log/bind", placeOf(file, one));
    const again = () => post("/api/log/bind", { ...placeOf(file, one), log_path: one.path });
    await act(() => remove(place), t("unbound", { path: one.path }), again);
    found.reload();
  };
  const newest = (one: Binding) =>
    one.exists && one.modified_at
      ? t("changedAgo", {
          size: ((one.size ?? 0) / 1024).toFixed(1),
          time: span(since(one.modified_at, now), language),
        })
      : (one.problem ?? t("missing"));
  return (
    <section className="bindings">
      <div className="file-head">
        <h2>{t("bound")}</h2>
        <span className="push" />
        {mayWrite && <Button onClick={() => setNew(true)}>{t("bind")}</Button>}
      </div>
      {all.length === 0 ? (
        <Empty
          title={t("noBindings")}
          command={`gavelq file bind ${file.index} QUEUE_ID 1 PATH --mode ${file.mode}`}
        >
          {t("noBindingsText")}
        </Empty>
      ) : (
        <ul>
          {all.map((one) => (
            <li key={one.key}>
              <div className="row binding">
                <span className="chip">{one.queue_id}</span>
                <button
                  type="button"
                  className="as-link mono cut grow"
                  aria-expanded={open === one.key}
                  onClick={() => setOpen(open === one.key ? null : one.key)}
                >
                  {one.path}
                </button>
                <span className="second">{newest(one)}</span>
                {mayWrite && (
                  <Button kind="plain" size="small" icon="trash" onlyIcon onClick={() => void unbind(one)}>
                    {t("unbind")}
                  </Button>
                )}
              </div>
              {open === one.key && <Content file={file} binding={one} />}
            </li>
          ))}
        </ul>
      )}
      {isNew && (
        <BindForm
          file={file}
          roots={found.data?.roots ?? []}
          onClose={() => setNew(false)}
          onDone={found.reload}
        />
      )}
    </section>
  );
}
