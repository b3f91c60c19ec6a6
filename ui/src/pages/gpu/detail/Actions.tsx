/** What an admin does with a card. What ends tasks names them first. */
import { Fragment, type ReactNode } from "react";
import { post } from "../../../api/client";
import type { Gpu } from "../../../api/types";
import { Button } from "../../../parts/Button";
import { confirm } from "../../../parts/Dialog";
import { Menu } from "../../../parts/Menu";
import { TaskLink } from "../../../parts/TaskLink";
import { act } from "../../../parts/Toast";
import { useLive } from "../../../store/live";
import { useRights } from "../../../store/session";
import { useLanguage, useWords } from "../../../words";
import { since, span } from "../../../words/format";
import { useGpuActions, verb } from "../actions";
import type { Tasks } from "../cards";
import { words as pageWords } from "../words";
import { words } from "./words";

/** What ends and whose, as the confirm says it. */
function useVictims(gpu: Gpu, byId: Tasks): { n: number; text: () => ReactNode } {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const n = gpu.tasks.length + gpu.n_other_tasks;
  const text = () => (
    <>
      {gpu.tasks.map((id) => {
        const task = byId.get(id);
        const time = task?.started_at ? span(since(task.started_at), language) : "–";
        const [before = "", after = ""] = t("ends", { tenant: task?.tenant ?? "–", time }).split("{id}");
        return (
          <p key={id}>
            {before}
            <TaskLink id={id} />
            {after}
            <b>{t("willEnd")}</b>
            {t("stop")}
          </p>
        );
      })}
      {gpu.n_other_tasks > 0 && (
        <p>
          {t("endsOthers", { n: gpu.n_other_tasks })}
          <b>{t("willEnd")}</b>
          {t("stop")}
        </p>
      )}
    </>
  );
  return { n, text };
}

function useEnding(gpu: Gpu, byId: Tasks) {
  const t = useWords(words);
  const { n, text } = useVictims(gpu, byId);
  const put = { gpu: gpu.index, queue: gpu.queue ?? "", n };
  const back = { text: t("back"), isOn: true };
  return {
    release: async () => {
      const { isAgreed, option } = await confirm({
        title: t(gpu.queue === null ? "releasePool" : "releaseTitle", put),
        text: n === 0 ? t("releaseNone") : text(),
        effect: t(n === 0 ? "releaseEffect0" : n === 1 ? "releaseEffect1" : "releaseEffect", put),
        isDanger: n > 0,
        ...(n > 0 ? { option: back } : {}),
      });
      const queue = gpu.queue;
      if (!isAgreed) return;
      const undo = () => post("/api/gpus/allocate", { queue, gpus: [gpu.uuid] });
      await act(
        () => post(verb(gpu, "release"), { requeue: n > 0 && option }),
        t("released", put),
        ...(n === 0 && queue !== null ? [undo] : []),
      );
    },
    drainNow: async () => {
      const { isAgreed, option } = await confirm({
        title: t("drainTitle", put),
        text: text(),
        effect: t(n === 1 ? "drainEffect1" : "drainEffect", put),
        option: back,
      });
      if (!isAgreed) return;
      await act(() => post(verb(gpu, "drain"), { now: true, requeue: option }), t("drained", put));
    },
  };
}

export function Actions({ gpu, byId }: { gpu: Gpu; byId: Tasks }) {
  const t = useWords(words);
  const page = useWords(pageWords);
  const queues = useLive((live) => live.queues);
  const { isAdmin } = useRights();
  const { ignore, unignore, share, unshare } = useGpuActions();
  const { release, drainNow } = useEnding(gpu, byId);
  const n = gpu.tasks.length + gpu.n_other_tasks;
  const put = { gpu: gpu.index };
  const refused = isAdmin ? null : page("onlyAdmin");
  const isOut =
    gpu.state === "ignored" ||
    gpu.state === "draining" ||
    gpu.fault !== null ||
    gpu.unavailable === "ignored";
  const isMinded = gpu.processes.some((process) => process.task_id === null && !process.is_ignored);
  const give = (queue: string) => {
    const before = gpu.queue;
    const back = () => post("/api/gpus/allocate", { queue: before, gpus: [gpu.uuid] });
    void act(
      () => post("/api/gpus/allocate", { queue, gpus: [gpu.uuid] }),
      t("gave", { ...put, queue }),
      ...(before === null ? [] : [back]),
    );
  };
  const drain = () =>
    void act(
      () => post(verb(gpu, "drain")),
      t("drained", put),
      () => post(verb(gpu, "unignore")),
    );
  if (!isAdmin) return <p className="pad second detail-actions">{refused}</p>;
  return (
    <div className="row wrap pad detail-actions">
      <Menu
        label={t("give")}
        icon="down"
        onlyIcon={false}
        kind="normal"
        align="left"
        choices={queues
          .filter((queue) => queue.name !== gpu.queue)
          .map((queue) => ({ text: queue.name, act: () => give(queue.name) }))}
      />
      {isOut ? (
        <Button onClick={() => void unignore(gpu)}>
          {t(gpu.fault !== null ? "well" : gpu.state === "draining" ? "undrain" : "unignore")}
        </Button>
      ) : (
        <Fragment>
          <Menu
            label={t("drain")}
            icon="down"
            onlyIcon={false}
            kind="normal"
            align="left"
            choices={[
              { text: t("drainLater"), act: drain },
              n > 0 ? { text: t("drainNow"), act: () => void drainNow() } : null,
            ]}
          />
          <Button onClick={() => void ignore(gpu)}>{t("ignore")}</Button>
        </Fragment>
      )}
      {isMinded && <Button onClick={() => void share(gpu)}>{t("share")}</Button>}
      {gpu.accepted_pids.length > 0 && <Button onClick={() => void unshare(gpu)}>{t("unshare")}</Button>}
      <Button
        kind="danger"
        className="push"
        refused={gpu.queue === null && n === 0 ? t("nothingToRelease") : null}
        onClick={() => void release()}
      >
        {t("release")}
      </Button>
    </div>
  );
}
