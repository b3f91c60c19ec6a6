/** A start that says something else than the rules do: where, how long, how often, in which order. */
import { type FormEvent, type ReactNode, useState } from "react";
import { Problem } from "../../api/client";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { useLive } from "../../store/live";
import { useWords } from "../../words";
import type { StoredFile } from "./files";
import { words } from "./words";

const FIELDS = ["queue", "priority", "time_limit", "retries", "on_failure", "seed", "workdir"] as const;
type Name = (typeof FIELDS)[number];
export type StartOptions = Partial<Record<Name, string | number>> & { hold?: boolean };

/** Only what was filled in; numbers as numbers, what is no number as it is, for the daemon to judge. */
function asked(given: Record<Name, string>, hold: boolean): StartOptions {
  const options: StartOptions = hold ? { hold } : {};
  for (const name of FIELDS) {
    const text = given[name].trim();
    if (text !== "") options[name] = /^\d+$/.test(text) && name !== "time_limit" ? Number(text) : text;
  }
  return options;
}

/** What holds where nothing is said. */
function usual(name: Name): "asKept" | "usualQueue" | "asRules" {
  return name === "workdir" ? "asKept" : name === "queue" ? "usualQueue" : "asRules";
}

const NONE = Object.fromEntries(FIELDS.map((name) => [name, ""])) as Record<Name, string>;

export function StartDialog(props: {
  file: StoredFile;
  /** Throws Problem. */
  onStart: (options: StartOptions) => Promise<void>;
  onClose: () => void;
}) {
  const { file, onStart, onClose } = props;
  const t = useWords(words);
  const queues = useLive((live) => live.queues);
  const [given, setGiven] = useState(NONE);
  const [hold, setHold] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const start = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await onStart(asked(given, hold));
      onClose();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      setBusy(false);
    }
  };
  const field = (name: Name, hint: string, choices?: readonly (readonly [string, string])[]): ReactNode => (
    <Field
      label={t(name === "queue" ? "queueWord" : name)}
      hint={hint}
      problem={problem?.field === name ? problem.message : null}
    >
      {(control) => {
        const change = (event: { target: { value: string } }) =>
          setGiven({ ...given, [name]: event.target.value });
        return choices ? (
          <select {...control} className="select" value={given[name]} onChange={change}>
            <option value="">{t(usual(name))}</option>
            {choices.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        ) : (
          <input
            {...control}
            className="input"
            maxLength={4000}
            placeholder={name === "priority" ? "0" : t(usual(name))}
            value={given[name]}
            onChange={change}
          />
        );
      }}
    </Field>
  );
  const isElsewhere = problem !== null && !FIELDS.some((name) => name === problem.field);
  return (
    <Dialog title={t("startAsk", { name: file.name })} onClose={onClose} isWide>
      <form className="stack dialog-text" onSubmit={(event) => void start(event)}>
        <p className="second">{t("startText")}</p>
        <div className="start-fields">
          {field("workdir", t("workdirHint"))}
          {field(
            "queue",
            t("queueHint"),
            queues.map(({ name }) => [name, name] as const),
          )}
          {field("time_limit", t("timeHint"))}
          {field("retries", t("retriesHint"))}
          {field("on_failure", t("failureHint"), [
            ["continue", t("goOn")],
            ["stop", t("stopLane")],
          ])}
          {field("priority", t("priorityHint"))}
          {file.mode === "single" && field("seed", t("seedHint"))}
        </div>
        <label className="check">
          <input type="checkbox" checked={hold} onChange={(event) => setHold(event.target.checked)} />
          {t("hold")}
        </label>
        {isElsewhere && (
          <p className="problem" role="alert">
            {problem.message}
          </p>
        )}
        <div className="row dialog-end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" icon="play" type="submit" disabled={isBusy}>
            {t("start")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
