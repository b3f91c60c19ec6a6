/** When what waits will start, under the rules in force and with the changes: asked for by a button, for it takes a while. */
import type { ReactNode } from "react";
import type { Problem } from "../../api/client";
import { Button } from "../../parts/Button";
import { Field } from "../../parts/Field";
import type { Sent } from "../../parts/setting/values";
import { useWords } from "../../words";
import { AheadAnswer } from "./AheadAnswer";
import { hoursOf } from "./ahead";
import { words } from "./aheadWords";
import { type Asking, useAhead } from "./useAhead";
import "./ahead.css";

const ASK = "rules-ahead-ask";

interface Props {
  /** The changes that are not saved. */
  sent: Sent;
  /** How the rules read now, in any words: another text is another answer. */
  inForce: string;
  /** A value is refused, so that there is nothing to ask. */
  isRefused?: boolean;
  intro: ReactNode;
}

/** What is wrong with the answer as a whole, and what is to be done about it. */
function Trouble({ problem, asking }: { problem: Problem; asking: Asking }) {
  const t = useWords(words);
  if (problem.code === "not_simulated") {
    const { fields } = (problem.body.details ?? {}) as { fields?: string[] };
    const names = fields ?? [problem.field ?? ""];
    return (
      <div className="ahead-trouble" role="alert">
        <p className="problem grow">{t("notSimulated", { names: names.join(", ") })}</p>
        <Button
          size="small"
          onClick={() => {
            // This button goes; the keyboard stays with the one that asks.
            document.getElementById(ASK)?.focus({ preventScroll: true });
            void asking.askWithout(names);
          }}
        >
          {t("leave")}
        </Button>
      </div>
    );
  }
  const texts: Readonly<Record<string, string>> = {
    simulation_running: t("busy"),
    simulation_failed: `${t("failed")} (${problem.detail})`,
    timed_out: t("failed"),
    limit_reached: `${t("large")} (${problem.detail})`,
  };
  const text = problem.status === 0 ? t("silent") : (texts[problem.code] ?? problem.message);
  return (
    <p className="problem ahead-trouble" role="alert">
      {text}
    </p>
  );
}

function Fields({ asking, isRefused }: { asking: Asking; isRefused: boolean }) {
  const t = useWords(words);
  const { fields, isAsking, problem, answer } = asking;
  const isWrong = hoursOf(fields.hours) === null;
  const isOff = isAsking || isWrong || isRefused;
  return (
    <form
      className="ahead-fields"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isOff) void asking.ask();
      }}
    >
      <Field label={t("hours")} problem={isWrong ? t("hoursWrong") : null}>
        {(control) => (
          <input
            {...control}
            className="input"
            inputMode="numeric"
            maxLength={6}
            value={fields.hours}
            onChange={(event) => asking.write({ hours: event.target.value })}
          />
        )}
      </Field>
      <Field label={t("assume")} problem={problem?.field === "assume" ? t("assumeWrong") : null}>
        {(control) => (
          <input
            {...control}
            className="input"
            maxLength={40}
            placeholder={t("assumeHint")}
            value={fields.assume}
            onChange={(event) => asking.write({ assume: event.target.value })}
          />
        )}
      </Field>
      {/* Not disabled while it goes on: the keyboard's place would be lost. */}
      <Button id={ASK} type="submit" aria-disabled={isOff} title={isRefused ? t("refused") : undefined}>
        {t(answer ? "again" : "ask")}
      </Button>
    </form>
  );
}

export function LookAhead({ sent, inForce, isRefused = false, intro }: Props) {
  const t = useWords(words);
  const asking = useAhead(sent, inForce);
  const { answer, problem, stale, isAsking } = asking;
  return (
    <>
      <div className="ahead-ask">
        <p className="second">{intro}</p>
        <Fields asking={asking} isRefused={isRefused} />
        <p className="second ahead-state" role="status">
          {isAsking ? t("asking") : ""}
        </p>
      </div>
      {problem && problem.field !== "assume" && <Trouble problem={problem} asking={asking} />}
      {stale && (
        <p className="ahead-note" role="status">
          <span className="chip role-wait tinted">{t("old")}</span>
          <span>{t(stale === "rules" ? "oldRules" : "oldFields")}</span>
        </p>
      )}
      {answer && <AheadAnswer answer={answer} isOld={stale !== null} />}
    </>
  );
}
