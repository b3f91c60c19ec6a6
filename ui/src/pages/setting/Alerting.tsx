/** What fires, what is muted until when, and which rules watch. */
import { type FormEvent, useState } from "react";
import { path, post, remove } from "../../api/client";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Empty } from "../../parts/Empty";
import { Field } from "../../parts/Field";
import { Icon } from "../../parts/Icon";
import { Refusal, useRefusal } from "../../parts/Refusal";
import { Switch } from "../../parts/setting/Switch";
import type { Drafting } from "../../parts/setting/useDraft";
import { isFixed, wished } from "../../parts/setting/values";
import { act, toast } from "../../parts/Toast";
import { useRights } from "../../store/session";
import { say, useChinese, useLanguage, useWords } from "../../words";
import { when } from "../../words/format";
import { type Alerts, conditionOf, duration, type Mute } from "./alerting";
import { CONDITIONS, RULES, words } from "./words";

function useCalled(): (rule: string) => string {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  return (rule) => (rule === "" ? t("everyAlert") : RULES[rule] ? say(RULES[rule], language) : rule);
}

function MuteDialog({ rule, subject, onClose }: { rule: string; subject: string; onClose: () => void }) {
  const t = useWords(words);
  const called = useCalled();
  const [given, setGiven] = useState({ for: "2h", reason: "" });
  const { attempt, wrong, rest } = useRefusal(["for", "reason"]);
  const mute = async (event: FormEvent) => {
    event.preventDefault();
    if (!(await attempt(() => post("/api/alerts/mutes", { rule, subject, ...given })))) return;
    toast(t("muted", { rule: called(rule) }));
    onClose();
  };
  return (
    <Dialog title={t("muteAsk", { rule: called(rule) })} onClose={onClose}>
      <form className="stack dialog-text" onSubmit={(event) => void mute(event)}>
        <p className="second">{t(subject ? "muteOne" : "muteText", { subject })}</p>
        <Field label={t("muteFor")} hint={t("muteForHint")} problem={wrong("for")}>
          {(control) => (
            <input
              {...control}
              className="input"
              required
              maxLength={40}
              value={given.for}
              onChange={(event) => setGiven({ ...given, for: event.target.value })}
            />
          )}
        </Field>
        <Field label={t("reason")} problem={wrong("reason")}>
          {(control) => (
            <input
              {...control}
              className="input"
              maxLength={500}
              value={given.reason}
              onChange={(event) => setGiven({ ...given, reason: event.target.value })}
            />
          )}
        </Field>
        <Refusal text={rest} />
        <div className="row dialog-end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit">
            {t("mute")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Firing({
  alerts,
  onMute,
}: {
  alerts: Alerts;
  onMute: ((rule: string, subject: string) => void) | null;
}) {
  const t = useWords(words);
  const called = useCalled();
  const chinese = useChinese();
  const language = useLanguage((choice) => choice.language);
  return alerts.firing.map((one) => (
    <li key={`${one.rule} ${one.subject}`} className="alert-line">
      <span className={`pill bare role-${one.severity === "critical" ? "bad" : "wait"}`}>
        <Icon name="warning" />
        {t("firing")}
      </span>
      <span className="grow">
        <span className="name">{called(one.rule)}</span>{" "}
        <span className="second">{t("sinceAt", { at: when(one.fired_at, language) })}</span>
        <br />
        <span className="second">{chinese?.text(one.text) ?? one.text}</span>
      </span>
      {one.is_muted ? (
        <span className="chip">{t("isMuted")}</span>
      ) : (
        onMute && (
          <Button
            size="small"
            aria-label={`${t("mute")} ${one.rule} ${one.subject}`}
            onClick={() => onMute(one.rule, one.subject)}
          >
            {t("mute")}
          </Button>
        )
      )}
    </li>
  ));
}

function Muted({ mute }: { mute: Mute }) {
  const t = useWords(words);
  const called = useCalled();
  const language = useLanguage((choice) => choice.language);
  const unmute = () =>
    act(
      () => remove(path("/api/alerts/mutes", { rule: mute.rule, subject: mute.subject })),
      t("unmuted", { rule: called(mute.rule) }),
    );
  return (
    <li className="alert-line">
      <span className="pill bare role-idle">
        <Icon name="pause" />
        {t("isMuted")}
      </span>
      <span className="grow">
        {called(mute.rule)} {mute.subject && <code>{mute.subject}</code>}
        <br />
        <span className="second">
          {t("until", { at: when(mute.until, language), by: mute.by })}
          {mute.reason && `: ${mute.reason}`}
        </span>
      </span>
      <Button size="small" aria-label={`${t("unmute")} ${mute.rule}`} onClick={() => void unmute()}>
        {t("unmute")}
      </Button>
    </li>
  );
}

/** When a rule fires, in words. */
function useCondition(): (rule: string, value: string) => string {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  return (rule, value) => {
    const found = conditionOf(value);
    if (found === null) return t("atOnce");
    const pair = CONDITIONS[rule];
    if (pair === undefined) return value;
    const lasts = found.lasts === null ? "" : t("lasting", { time: duration(found.lasts, language) });
    return say(pair, language, { most: duration(found.most, language).replace(/(\d)G$/, "$1 GiB") }) + lasts;
  };
}

function Rules(props: { drafting: Drafting; alerts: Alerts; onMute: (rule: string) => void }) {
  const { drafting, alerts, onMute } = props;
  const t = useWords(words);
  const called = useCalled();
  const condition = useCondition();
  const rows = drafting.rows.filter((row) => row.kind === "alert_rule");
  return rows.map((row) => {
    const rule = row.name.slice("alerts.".length);
    const value = String(wished(row, drafting.draft[row.name]));
    const isOn = value !== "off";
    const isFiring = alerts.firing.some((one) => one.rule === rule);
    const isMuted = alerts.mutes.some((one) => one.rule === rule && one.subject === "");
    const set = (on: boolean) =>
      drafting.wish(row.name, { value: on ? (row.value === "off" ? row.default : row.value) : "off" });
    return (
      <li key={rule} className="alert-line">
        <span className="pill bare role-idle">
          <Icon name={isOn ? (isFiring ? "warning" : "check") : "pause"} />
          {t(isOn ? (isFiring ? "firing" : "quietWord") : "off")}
        </span>
        <span className="grow">{called(rule)}</span>
        <span className="second condition" title={row.help}>
          {isOn ? condition(rule, value) : ""}
        </span>
        {!isMuted && (
          <Button kind="plain" size="small" icon="bell" onlyIcon onClick={() => onMute(rule)}>
            {t("muteRule", { rule: called(rule) })}
          </Button>
        )}
        <Switch label={called(rule)} isOn={isOn} disabled={isFixed(row)} onChange={set} />
      </li>
    );
  });
}

export function Alerting({ drafting, alerts }: { drafting: Drafting; alerts: Alerts | null }) {
  const t = useWords(words);
  const { isAdmin } = useRights();
  const [asked, setAsked] = useState<{ rule: string; subject: string } | null>(null);
  if (alerts === null) return null;
  const n = alerts.firing.length;
  return (
    <section id="setting-alerts" className="card setting-group" aria-labelledby="alerts-title">
      <div className="cardhead">
        <h2 id="alerts-title">{t("alerts")}</h2>
        <span className="second">{t("nFiring", { n })}</span>
      </div>
      <ul className="setting-lines">
        <Firing alerts={alerts} onMute={isAdmin ? (rule, subject) => setAsked({ rule, subject }) : null} />
        {alerts.mutes.map((mute) => (
          <Muted key={`${mute.rule} ${mute.subject}`} mute={mute} />
        ))}
        {isAdmin && (
          <Rules drafting={drafting} alerts={alerts} onMute={(rule) => setAsked({ rule, subject: "" })} />
        )}
      </ul>
      {!isAdmin && n === 0 && <Empty title={t("noAlerts")}>{t("noAlertsText")}</Empty>}
      {asked && <MuteDialog {...asked} onClose={() => setAsked(null)} />}
    </section>
  );
}
