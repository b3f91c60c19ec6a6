/** Who is told of alerts: the channels, each with a test, and new ones. */
import { type FormEvent, useState } from "react";
import { Problem, post } from "../../api/client";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Empty } from "../../parts/Empty";
import { Field } from "../../parts/Field";
import { Icon } from "../../parts/Icon";
import type { Drafting } from "../../parts/setting/useDraft";
import { wished } from "../../parts/setting/values";
import { useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import type { Alerts, Tested } from "./alerting";
import { masked } from "./plain";
import { words } from "./words";

interface Outcome extends Tested {
  at: string;
}

function Told({ outcome }: { outcome: Outcome }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const role = outcome.delivered ? "ok" : "bad";
  return (
    <span className={`pill bare role-${role}`} role="status">
      <Icon name={outcome.delivered ? "check" : "cross"} />
      {t(outcome.delivered ? "sent" : "refused", { at: when(outcome.at, language) })}
    </span>
  );
}

async function tell(url: string): Promise<Outcome> {
  const at = new Date().toISOString();
  try {
    const [told] = await post<Tested[]>("/api/alerts/test", { urls: [url] });
    return { channel: url, delivered: told?.delivered ?? false, problem: told?.problem ?? null, at };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { channel: url, delivered: false, problem: error.message, at };
  }
}

function Channel(props: { url: string; isNew: boolean; onRemove: () => void }) {
  const { url, isNew, onRemove } = props;
  const t = useWords(words);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [isBusy, setBusy] = useState(false);
  const test = async () => {
    setBusy(true);
    setOutcome(await tell(url));
    setBusy(false);
  };
  const kind = url.startsWith("mailto:") ? "mail" : url.startsWith("http") ? "webhook" : "apprise";
  return (
    <li>
      <div className="channel">
        <span className="name">{t(kind)}</span>
        <code className="grow cut" title={masked(url)}>
          {masked(url)}
        </code>
        {isNew && <span className="chip role-wait tinted">{t("notSaved")}</span>}
        {outcome && <Told outcome={outcome} />}
        <Button disabled={isBusy} onClick={() => void test()}>
          {t(isBusy ? "sending" : "send")}
        </Button>
        <Button kind="plain" size="small" icon="trash" onlyIcon onClick={onRemove}>
          {t("removeChannel", { channel: masked(url) })}
        </Button>
      </div>
      {outcome?.problem && <p className="problem channel-problem">{outcome.problem}</p>}
    </li>
  );
}

function NewChannel({ onAdd, onClose }: { onAdd: (url: string) => void; onClose: () => void }) {
  const t = useWords(words);
  const [url, setUrl] = useState("");
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const add = (event: FormEvent) => {
    event.preventDefault();
    onAdd(url.trim());
    onClose();
  };
  return (
    <Dialog title={t("newChannel")} onClose={onClose}>
      <form className="stack dialog-text" onSubmit={add}>
        <Field label={t("address")} hint={t("addressHint")} problem={outcome?.problem ?? null}>
          {(control) => (
            <input
              {...control}
              className="input"
              required
              maxLength={2000}
              pattern="\S+"
              autoComplete="off"
              placeholder="https://hooks.example.org/…"
              value={url}
              onChange={(event) => setUrl(event.target.value)}
            />
          )}
        </Field>
        {outcome?.delivered && <Told outcome={outcome} />}
        <div className="row dialog-end wrap">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button disabled={url.trim() === ""} onClick={async () => setOutcome(await tell(url.trim()))}>
            {t("send")}
          </Button>
          <Button kind="primary" type="submit">
            {t("add")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function Notifications({ drafting, alerts }: { drafting: Drafting; alerts: Alerts | null }) {
  const t = useWords(words);
  const [isNew, setNew] = useState(false);
  const row = drafting.rows.find((one) => one.name === "notify.urls");
  if (row === undefined) return null;
  const saved = row.value as string[];
  const wanted = wished(row, drafting.draft[row.name]) as string[];
  const put = (urls: string[]) => drafting.wish(row.name, { value: urls });
  return (
    <section id="setting-notifications" className="card setting-group" aria-labelledby="notify-title">
      <div className="cardhead">
        <h2 id="notify-title">{t("notifications")}</h2>
        {alerts?.is_quiet && <span className="chip">{t("quiet")}</span>}
        {(alerts?.n_waiting ?? 0) > 0 && (
          <span className="second">{t("waiting", { n: alerts?.n_waiting ?? 0 })}</span>
        )}
        <span className="push" />
        <Button icon="plus" onClick={() => setNew(true)}>
          {t("channel")}
        </Button>
      </div>
      {wanted.length === 0 ? (
        <Empty title={t("noChannel")} command="gavelq config set notify.urls https://hooks.example.org/x">
          {t("noChannelText")}
        </Empty>
      ) : (
        <ul className="setting-lines">
          {wanted.map((url) => (
            <Channel
              key={url}
              url={url}
              isNew={!saved.includes(url)}
              onRemove={() => put(wanted.filter((one) => one !== url))}
            />
          ))}
        </ul>
      )}
      {isNew && (
        <NewChannel
          onAdd={(url) => !wanted.includes(url) && put([...wanted, url])}
          onClose={() => setNew(false)}
        />
      )}
    </section>
  );
}
