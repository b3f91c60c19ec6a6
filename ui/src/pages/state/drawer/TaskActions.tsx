/** What can be done with this task: the likely acts as buttons, the rest in a menu. */
import { useState } from "react";
import { useLocation } from "wouter";
import { post } from "../../../api/client";
import type { TaskDetails } from "../../../api/types";
import { Button } from "../../../parts/Button";
import { confirm } from "../../../parts/Dialog";
import { type Choice, Menu } from "../../../parts/Menu";
import { act } from "../../../parts/Toast";
import { touch, useLive } from "../../../store/live";
import { useRights } from "../../../store/session";
import { useWords } from "../../../words";
import { isEnded } from "../../../words/states";
import { MoveDialog } from "../MoveDialog";
import { ChangeDialog } from "../newtask/ChangeDialog";
import { PriorityDialog } from "../PriorityDialog";
import { useActions } from "../useActions";
import { Victims } from "../Victims";
import { applies } from "../verbs";
import { words } from "./words";

/** Signals that people send to running tasks; ending ones go by the button. */
const SIGNALS = ["INT", "USR1", "USR2", "HUP", "CONT"] as const;

type Asked = "priority" | "move" | "edit" | "rerun" | null;

/** So many other queues stand in the menu itself. */
const MOST_QUEUES = 4;

function useMore(task: TaskDetails, refused: string | null, ask: (what: Asked) => void): (Choice | null)[] {
  const t = useWords(words);
  const actions = useActions();
  const [, go] = useLocation();
  const queues = useLive((live) => live.queues);
  const isWaiting = task.state === "pending" || task.state === "held";
  const isOn = task.state === "running" && !task.is_lease;
  const send = (name: string) =>
    act(() => post(`/api/tasks/${task.id}/kill`, { signal: name }), t("signalled", { name, id: task.id }));
  const remove = async () => {
    if (await actions.act("remove", [task])) go(`/state${window.location.search}`);
  };
  const others = applies("move", task) ? queues.filter(({ name }) => name !== task.queue) : [];
  return [
    isWaiting ? { text: t("edit"), icon: "edit", refused, act: () => ask("edit") } : null,
    applies("rerun", task) ? { text: t("rerun"), icon: "undo", refused, act: () => ask("rerun") } : null,
    others.length > MOST_QUEUES
      ? { text: t("moveElse"), icon: "right", refused, act: () => ask("move") }
      : null,
    ...(others.length > MOST_QUEUES ? [] : others).map(
      ({ name }): Choice => ({
        text: t("moveTo", { name }),
        icon: "right",
        refused,
        act: () => void actions.move([task], name),
      }),
    ),
    ...(isOn ? SIGNALS : []).map(
      (name): Choice => ({ text: t("signal", { name }), icon: "bell", refused, act: () => void send(name) }),
    ),
    applies("remove", task) ? { text: t("remove"), icon: "trash", refused, act: () => void remove() } : null,
  ];
}

export function TaskActions({ task }: { task: TaskDetails }) {
  const t = useWords(words);
  const actions = useActions();
  const { maySubmit } = useRights();
  const [asked, setAsked] = useState<Asked>(null);
  const [, go] = useLocation();
  const refused = maySubmit ? null : t("viewer");
  const more = useMore(task, refused, setAsked);
  const giveBack = async () => {
    const what = `#${task.id} ${task.name}`;
    const text = <Victims rows={[task]} consequence={t("giveBackText")} />;
    const { isAgreed } = await confirm({ title: t("giveBackAsk", { what }), text, effect: t("giveBack") });
    if (!isAgreed) return;
    await act(() => post(`/api/tasks/${task.id}/release`), t("gaveBack", { id: task.id }));
    touch(task.id);
  };
  const isHeld = task.state === "held";
  const isOn = task.state === "running" || task.state === "starting" || task.state === "stopping";
  return (
    <span className="drawer-acts">
      {task.state === "pending" && (
        <Button size="small" refused={refused} onClick={() => void actions.act("hold", [task])}>
          {t("hold")}
        </Button>
      )}
      {isHeld && (
        <Button size="small" refused={refused} onClick={() => void actions.act("run", [task])}>
          {t("run")}
        </Button>
      )}
      {applies("priority", task) && (
        <Button size="small" refused={refused} onClick={() => setAsked("priority")}>
          {t("prio")}
        </Button>
      )}
      {task.is_lease && isOn && (
        <Button size="small" refused={refused} onClick={() => void giveBack()}>
          {t("giveBack")}
        </Button>
      )}
      {!isEnded(task.state) && !(task.is_lease && isOn) && (
        <Button size="small" kind="danger" refused={refused} onClick={() => void actions.act("kill", [task])}>
          {t(isOn ? "stop" : "cancel")}
        </Button>
      )}
      {isEnded(task.state) && !task.is_lease && (
        <Button size="small" refused={refused} onClick={() => setAsked("rerun")}>
          {t("rerun")}
        </Button>
      )}
      {more.some((choice) => choice !== null) && <Menu label={t("more")} size="small" choices={more} />}
      {asked === "priority" && (
        <PriorityDialog
          title={t("prioTitle", { id: task.id })}
          from={task.priority}
          onClose={() => setAsked(null)}
          onDone={(priority) => void actions.prioritize([task], priority)}
        />
      )}
      {asked === "move" && (
        <MoveDialog
          title={t("moveTitle", { id: task.id })}
          from={task.queue}
          onClose={() => setAsked(null)}
          onDone={(queue) => void actions.move([task], queue)}
        />
      )}
      {(asked === "edit" || asked === "rerun") && (
        <ChangeDialog
          task={task}
          kind={asked}
          onClose={() => setAsked(null)}
          onDone={(made) => made.id !== task.id && go(`/state/${made.id}${window.location.search}`)}
        />
      )}
    </span>
  );
}
