/** What blocks work, and what can be done about it: one banner, however many things there are. */
import { useMemo } from "react";
import { useShallow } from "zustand/react/shallow";
import type { Daemon } from "../../api/types";
import { Button } from "../../parts/Button";
import { Icon } from "../../parts/Icon";
import { TaskLink } from "../../parts/TaskLink";
import { useNarrow } from "../../parts/useSize";
import { useNow } from "../../shell/Connection";
import { useLive } from "../../store/live";
import { useResource } from "../../store/resource";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { gib, percent, since, span, when } from "../../words/format";
import { useGpuActions } from "./actions";
import { type Blocker, type BrokenBlocker, blockersOf, type ForeignBlocker } from "./blockers";
import { program } from "./cards";
import { MessageButton } from "./Message";
import { useFault } from "./useFault";
import { words } from "./words";
import "./banner.css";

const MOST_IDS = 6;

/** Warnings come without an event. */
function useBlockers(): Blocker[] {
  const gpus = useLive((live) => live.gpus);
  const newest = useResource<Daemon>("/api/daemon", { on: ["daemon"], everyMs: 60_000 }).data;
  const known = useLive((live) => live.daemon);
  const pending = useLive(
    useShallow((live) => [...live.tasks.values()].filter((task) => task.state === "pending")),
  );
  return useMemo(() => blockersOf(newest ?? known, gpus, pending), [newest, known, gpus, pending]);
}

/** Who it is: a process, memory that nobody shows, or another daemon. */
function useWho() {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const now = useNow(10_000);
  return (one: ForeignBlocker): string => {
    const { gpu, process, mib } = one;
    const mem = gib(mib);
    const who = gpu.claimed_by ? t("daemonOf", { name: gpu.claimed_by }) : t("unseen");
    const user = process?.user ?? t("somebody");
    const facts = [
      process === null
        ? t("factsUnseen", { who, mem })
        : t("facts", { user, program: program(process.command), pid: process.pid, mem }),
    ];
    if (gpu.utilization_percent !== null) facts.push(t("factsUtil", { p: percent(gpu.utilization_percent) }));
    if (one.since !== null) {
      const at = when(one.since, language, now);
      facts.push(t("factsSince", { at, time: span(since(one.since, now), language) }));
    }
    if (one.nMore > 0) facts.push(t("factsMore", { n: one.nMore }));
    return facts.join(t("comma"));
  };
}

function ForeignActions({ one }: { one: ForeignBlocker }) {
  const t = useWords(words);
  const { isAdmin } = useRights();
  const { share, ignore } = useGpuActions();
  const isNarrow = useNarrow();
  const { gpu } = one;
  const refused = isAdmin ? null : t("onlyAdmin");
  return (
    <div className="row wrap banner-actions">
      <MessageButton one={one} />
      <Button refused={refused} onClick={() => void share(gpu)}>
        {t(isNarrow ? "shareShort" : "shareThis")}
      </Button>
      <Button refused={refused} onClick={() => void ignore(gpu)}>
        {isNarrow ? t("ignoreShort") : t("ignoreThis", { gpu: gpu.index })}
      </Button>
    </div>
  );
}

function Foreign({ one }: { one: ForeignBlocker }) {
  const t = useWords(words);
  const who = useWho();
  const { gpu, waiting } = one;
  const title = gpu.blocks === 1 ? "foreignTitle1" : "foreignTitle";
  return (
    <>
      <div className="grow">
        <h2>{t(title, { gpu: gpu.index, n: gpu.blocks })}</h2>
        <p className="second">
          {who(one)}
          {waiting.length > 0 && (
            <>
              {t("waiting")}
              {waiting.slice(0, MOST_IDS).map((id) => (
                <span key={id}>
                  <TaskLink id={id} />{" "}
                </span>
              ))}
              {waiting.length > MOST_IDS && t("andMore", { n: waiting.length - MOST_IDS })}
            </>
          )}
        </p>
      </div>
      <ForeignActions one={one} />
    </>
  );
}

function Broken({ one: { gpu } }: { one: BrokenBlocker }) {
  const t = useWords(words);
  const told = useFault();
  const language = useLanguage((choice) => choice.language);
  const { isAdmin } = useRights();
  const { unignore } = useGpuActions();
  const at = gpu.fault_at === null ? "–" : when(gpu.fault_at, language);
  return (
    <>
      <div className="grow">
        <h2>{t(gpu.fault === null ? "lostTitle" : "brokenTitle", { gpu: gpu.index })}</h2>
        <p className="second">
          {gpu.fault === null ? t("lostText") : t("wellAgain", { fault: told(gpu.fault), since: at })}
        </p>
      </div>
      {gpu.fault !== null && (
        <div className="row banner-actions">
          <Button refused={isAdmin ? null : t("onlyAdmin")} onClick={() => void unignore(gpu)}>
            {t("isWell")}
          </Button>
        </div>
      )}
    </>
  );
}

function One({ one }: { one: Blocker }) {
  const t = useWords(words);
  if (one.kind === "foreign") return <Foreign one={one} />;
  if (one.kind === "broken") return <Broken one={one} />;
  return (
    <div className="grow">
      <h2>{t(one.kind === "read_only" ? "readOnlyTitle" : "warningTitle")}</h2>
      <p className="second">{one.kind === "read_only" ? t("readOnlyText") : one.text}</p>
    </div>
  );
}

export function keyOf(one: Blocker): string {
  return "gpu" in one ? `${one.kind} ${one.gpu.uuid}` : `${one.kind} ${one.text}`;
}

export function Banner() {
  const t = useWords(words);
  const all = useBlockers();
  const [first] = all;
  if (first === undefined) return null;
  const role = all.every((one) => one.kind === "foreign")
    ? "foreign"
    : first.kind === "warning"
      ? "wait"
      : "bad";
  return (
    <section className={`banner gpu-banner role-${role}`} role="alert">
      <span className="banner-sign">
        <Icon name="warning" />
      </span>
      {all.length === 1 ? (
        <One one={first} />
      ) : (
        <div className="grow">
          <h2>{t("nBlockers", { n: all.length })}</h2>
          <ul className="banner-list">
            {all.map((one) => (
              <li key={keyOf(one)}>
                <One one={one} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}
