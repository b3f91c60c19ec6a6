/** What runs here, and what can be done with it as a whole: read the file again, a backup, the end. */
import { type FormEvent, useState } from "react";
import { Problem, post } from "../../api/client";
import { Button } from "../../parts/Button";
import { confirm, Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { act, toast } from "../../parts/Toast";
import { useLive } from "../../store/live";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { span } from "../../words/format";
import type { Check } from "./Doctor";
import { words } from "./words";

/** What doctor says of versions: the check's name, and the word for it. */
const TOLD = [
  ["gavelq: python", "python"],
  ["gpus: driver", "driver"],
  ["gpus: provider", "driver"],
  ["kernel: version", "kernel"],
  ["directories: database", "database"],
] as const;

const MOST_NAMED = 4;

function BackupDialog({ onClose }: { onClose: () => void }) {
  const t = useWords(words);
  const [target, setTarget] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const done = await post<{ path: string; bytes: number }>("/api/backup", { path: target.trim() });
      toast(t("backedUp", { path: done.path, size: (done.bytes / 2 ** 20).toFixed(1) }));
      onClose();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error.message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("backup")} onClose={onClose}>
      <form className="stack dialog-text" onSubmit={(event) => void save(event)}>
        <Field label={t("backupPath")} hint={t("backupHint")} problem={problem}>
          {(control) => (
            <input
              {...control}
              className="input"
              required
              maxLength={4000}
              placeholder="/backup/gavelq.db"
              value={target}
              onChange={(event) => setTarget(event.target.value)}
            />
          )}
        </Field>
        <div className="row dialog-end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit" disabled={isBusy}>
            {t("backupDo")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The tasks that run now, with their owners, in a few words. */
function useRunning(): { n: number; named: string } {
  const t = useWords(words);
  const n = useLive(({ counts }) => (counts ? counts.running + counts.starting + counts.stopping : 0));
  const named = useLive(({ tasks }) =>
    [...tasks.values()]
      .filter((task) => task.state === "running")
      .slice(0, MOST_NAMED)
      .map((task) => `#${task.id} ${task.name} (${task.tenant})`)
      .join(", "),
  );
  return { n, named: n > MOST_NAMED ? t("andMore", { named, n: n - MOST_NAMED }) : named };
}

function Acts({ onReload }: { onReload: () => void }) {
  const t = useWords(words);
  const [isBackup, setBackup] = useState(false);
  const running = useRunning();
  const reload = async () => {
    const done = await post<{ changed: string[]; needs_restart: string[]; warnings: string[] }>(
      "/api/config/reload",
    );
    const names = done.changed.join(", ");
    toast(names ? t("reloaded", { names }) : t("reloadedSame"));
    for (const warning of done.warnings.slice(0, 2)) toast(warning);
    onReload();
  };
  const stop = async () => {
    const { isAgreed, option } = await confirm({
      title: t("stopAsk"),
      text: (
        <>
          <p>{running.n > 0 ? t("stopText", running) : t("stopIdle")}</p>
          <p className="second">{t("stopMore")}</p>
        </>
      ),
      effect: t("stop"),
      ...(running.n > 0 ? { option: { text: t("stopKill", running), isOn: false } } : {}),
    });
    if (isAgreed) await act(() => post("/api/daemon/stop", { kill_tasks: option }), t("stopping"));
  };
  return (
    <div className="row wrap pad acts">
      <Button onClick={() => void act(reload)}>{t("reload")}</Button>
      <Button icon="download" onClick={() => setBackup(true)}>
        {t("backup")}
      </Button>
      <span className="push" />
      <Button kind="danger" icon="stop" onClick={() => void stop()}>
        {t("stop")}
      </Button>
      {isBackup && <BackupDialog onClose={() => setBackup(false)} />}
    </div>
  );
}

export function Versions({ checks, onReload }: { checks: readonly Check[]; onReload: () => void }) {
  const t = useWords(words);
  const { isAdmin } = useRights();
  const language = useLanguage((choice) => choice.language);
  const daemon = useLive((live) => live.daemon);
  if (daemon === null) return null;
  const facts: [string, string][] = [
    [t("daemon"), `gavelq ${daemon.version}, pid ${daemon.pid}, ${span(daemon.uptime_s, language)}`],
    [t("runner"), daemon.runner_pid === null ? t("noRunner") : `pid ${daemon.runner_pid}`],
    ...TOLD.flatMap(([name, word]): [string, string][] =>
      checks.filter((check) => check.name === name).map((check) => [t(word), check.text]),
    ),
    [t("socket"), daemon.socket],
    [t("address"), daemon.http ?? t("noAddress")],
    [t("state"), daemon.state_dir],
  ];
  return (
    <section id="setting-versions" className="card setting-group" aria-labelledby="versions-title">
      <div className="cardhead">
        <h2 id="versions-title">{t("versions")}</h2>
        {daemon.read_only && <span className="chip role-bad tinted">{t("readOnly")}</span>}
      </div>
      <dl className="setting-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt className="quiet">{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {isAdmin && <Acts onReload={onReload} />}
    </section>
  );
}
