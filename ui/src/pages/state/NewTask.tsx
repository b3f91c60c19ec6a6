/** A new task, with a dry run that says where and when it would start. */
import { Dialog } from "../../parts/Dialog";

export function NewTask({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="New task" onClose={onClose}>
      <p />
    </Dialog>
  );
}
