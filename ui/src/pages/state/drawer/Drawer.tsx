/** One task: why it waits or ended, its log, charts, command and attempts. The page gives it its place. */
import type { TaskDetails } from "../../../api/types";
import { Button } from "../../../parts/Button";
import { lazily } from "../../../parts/lazily";
import { Tabs } from "../../../parts/Tabs";
import { useKeys } from "../../../shell/keys";
import { useResource } from "../../../store/resource";
import { useWords } from "../../../words";
import { Attempts } from "./Attempts";
import { Command } from "./Command";
import { Head } from "./Head";
import { Log } from "./log/Log";
import { Why } from "./Why";
import { words } from "./words";
import "./drawer.css";

const Charts = lazily(
  () => import("./Charts"),
  (found) => found.Charts,
);

const TABS = ["why", "log", "charts", "command", "attempts"] as const;
type Tab = (typeof TABS)[number];

interface Props {
  taskId: number;
  tab: string;
  onTab: (tab: string) => void;
  onClose: () => void;
}

function Inside({ task, tab, onTab }: { task: TaskDetails; tab: Tab; onTab: (tab: Tab) => void }) {
  switch (tab) {
    case "why":
      return <Why task={task} onLog={() => onTab("log")} />;
    case "log":
      return <Log task={task} />;
    case "charts":
      return <Charts task={task} />;
    case "command":
      return <Command task={task} />;
    case "attempts":
      return <Attempts task={task} />;
  }
}

export function Drawer({ taskId, tab, onTab, onClose }: Props) {
  const t = useWords(words);
  const { data: task, problem } = useResource<TaskDetails>(`/api/tasks/${taskId}`, { on: ["task"] });
  const shown = TABS.find((one) => one === tab) ?? "why";
  useKeys(Object.fromEntries(TABS.map((one, i) => [String(i + 1), () => onTab(one)])));
  const close = (
    <Button icon="close" onlyIcon kind="plain" onClick={onClose}>
      {t("close")}
    </Button>
  );
  if (task === null || problem?.status === 404) {
    return (
      <div className="drawer-head">
        <div className="row">
          <h2 className="grow">{problem === null ? `#${taskId}` : t("missing", { id: taskId })}</h2>
        </div>
        <div className="drawer-close">{close}</div>
        {problem && <p className="second">{problem.status === 404 ? t("missingText") : problem.message}</p>}
      </div>
    );
  }
  return (
    <>
      <Head task={task} close={close} />
      <div className={`drawer-body at-${shown}`}>
        <Tabs
          label={t("tabs")}
          value={shown}
          options={TABS.map((one) => [one, t(one)] as const)}
          onChange={onTab}
        >
          <Inside task={task} tab={shown} onTab={onTab} />
        </Tabs>
      </div>
    </>
  );
}
