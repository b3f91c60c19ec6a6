/** Why the task is where it is: the verdict first, then what stands in the way, then what would help. */
import type { Explanation, TaskDetails } from "../../../api/types";
import { useResource } from "../../../store/resource";
import { isEnded } from "../../../words/states";
import { Ended } from "./Ended";
import { Held, Running } from "./Running";
import { Waits } from "./Waits";

export function Why({ task, onLog }: { task: TaskDetails; onLog: () => void }) {
  const isWaiting = task.state === "pending";
  const { data: why } = useResource<Explanation>(`/api/tasks/${task.id}/why`, {
    on: ["task", "queue", "gpu", "tenant", "config"],
    // What cards and foreign processes do is measured, and is no event.
    ...(isWaiting ? { everyMs: 10_000 } : {}),
  });
  if (why === null) return null;
  if (isWaiting && why.state === "pending") return <Waits task={task} why={why} />;
  if (task.state === "held") return <Held task={task} summary={why.summary} />;
  if (isEnded(task.state)) return <Ended task={task} summary={why.summary} onLog={onLog} />;
  return <Running task={task} summary={why.summary} />;
}
