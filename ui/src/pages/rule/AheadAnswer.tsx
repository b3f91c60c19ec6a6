/** What a look ahead found: both sides, who starts earlier and who later, and what it is based on. */
import type { SimulatedSide } from "../../api/types";
import { Icon, type IconName } from "../../parts/Icon";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { span, when } from "../../words/format";
import { AheadTasks } from "./AheadTasks";
import { BASES, type Shift } from "./ahead";
import { words } from "./aheadWords";
import type { Answer } from "./useAhead";
import { words as common } from "./words";

const LOOKS: readonly (readonly [Shift, IconName, string])[] = [
  ["earlier", "left", "ok"],
  ["later", "right", "wait"],
  ["same", "check", "idle"],
];

interface SideProps {
  label: string;
  side: SimulatedSide;
  all: number;
  isOne: boolean;
}

function Side({ label, side, all, isOne }: SideProps) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { mean_wait_s: mean, max_wait_s: most } = side;
  return (
    <div>
      <div className="label">{label}</div>
      <b className="live">{t("some", { n: side.n_starting, all })}</b>
      {mean === null || most === null ? (
        <div className="second">{t(isOne || side.n_starting === 0 ? "noneStarts" : "noWaits")}</div>
      ) : (
        <>
          <div className="second live">{t("mean", { time: span(mean, language) })}</div>
          <div className="second live">{t("longest", { time: span(most, language) })}</div>
        </>
      )}
    </div>
  );
}

function Basis({ answer: { told } }: { answer: Answer }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const counts = told.summary.run_times;
  const time = told.assumed_s === null ? "" : span(told.assumed_s, language);
  const says = { learned: "nLearned", limit: "nLimit", assumed: "nAssumed", unknown: "nUnknown" } as const;
  const parts = BASES.filter((basis) => counts[basis] > 0).map((basis) =>
    t(says[basis], { n: counts[basis], time }),
  );
  return (
    <p className="second">
      {t("bases", { parts: parts.join(t("comma")) })} {counts.unknown > 0 && t("sayIt")}{" "}
      {told.summary.n_held > 0 && t("held", { n: told.summary.n_held })}
    </p>
  );
}

export function AheadAnswer({ answer, isOld }: { answer: Answer; isOld: boolean }) {
  const t = useWords(words);
  const c = useWords(common);
  const language = useLanguage((choice) => choice.language);
  const { isAdmin } = useRights();
  const { told, without } = answer;
  const { summary } = told;
  const counts = { earlier: summary.n_earlier, later: summary.n_later, same: summary.n_same };
  const seen = t("from", { at: when(told.at, language), until: when(told.until, language) });
  if (summary.n_waiting === 0) {
    return (
      <p className="pad second">
        {t(isAdmin ? "nothing" : "nothingOwn")} {summary.n_held > 0 && t("held", { n: summary.n_held })}
      </p>
    );
  }
  return (
    <div data-old={isOld || undefined}>
      {!summary.is_whole && (
        <p className="ahead-note">
          <span className="chip role-bad tinted">{t("cut")}</span>
          <span>{t("cutText")}</span>
        </p>
      )}
      {without.length > 0 && <p className="ahead-note">{t("without", { names: without.join(", ") })}</p>}
      <div className={`sides ahead-sides ${summary.then ? "" : "one"}`}>
        <Side label={c("inForce")} side={summary.now} all={summary.n_waiting} isOne={!summary.then} />
        {summary.then && (
          <Side label={c("changed")} side={summary.then} all={summary.n_waiting} isOne={false} />
        )}
      </div>
      <div className="ahead-basis">
        {summary.then && (
          <p className="row wrap">
            {LOOKS.map(([shift, icon, role]) => (
              <span key={shift} className={`pill role-${counts[shift] > 0 ? role : "idle"}`}>
                <Icon name={icon} size={12} />
                {t(shift, { n: counts[shift] })}
              </span>
            ))}
          </p>
        )}
        <p className="second">
          {seen} {t(summary.then ? "inBoth" : "inOne")}
        </p>
        <Basis answer={answer} />
      </div>
      <AheadTasks told={told} />
    </div>
  );
}
