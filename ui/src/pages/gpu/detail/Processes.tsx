/** Who uses a card at this moment. */
import type { Gpu, GpuProcess } from "../../../api/types";
import { TaskLink } from "../../../parts/TaskLink";
import { useWords } from "../../../words";
import { gib } from "../../../words/format";
import { program } from "../cards";
import { words } from "./words";

function Whose({ gpu, process }: { gpu: Gpu; process: GpuProcess }) {
  const t = useWords(words);
  if (gpu.accepted_pids.includes(process.pid)) {
    return <span className="role-foreign card-who">{t("isShared")}</span>;
  }
  if (process.task_id !== null) return <TaskLink id={process.task_id} />;
  if (process.is_ignored) return <span className="quiet">{t("isMinded")}</span>;
  return <span className="role-foreign card-who">{t("isForeign")}</span>;
}

export function Processes({ gpu }: { gpu: Gpu }) {
  const t = useWords(words);
  const all = [...gpu.processes].sort((a, b) => (b.memory_mib ?? 0) - (a.memory_mib ?? 0) || a.pid - b.pid);
  const m = all.filter((process) => process.task_id === null && !process.is_ignored).length;
  return (
    <section className="card" aria-label={t("processes")}>
      <div className="row pad detail-head">
        <h2>{t("processes")}</h2>
        <span className="second live">{t(m === 0 ? "noForeign" : "nForeign", { n: all.length, m })}</span>
      </div>
      {all.length > 0 && (
        <table className="grid">
          <thead>
            <tr>
              <th scope="col">{t("pid")}</th>
              <th scope="col">{t("user")}</th>
              <th scope="col" className="num">
                {t("gib")}
              </th>
              <th scope="col" className="num">
                {t("task")}
              </th>
            </tr>
          </thead>
          <tbody>
            {all.map((process) => (
              <tr key={process.pid}>
                <td className="mono">{process.pid}</td>
                <td title={process.command}>
                  <span className="name">{process.user ?? "–"}</span>{" "}
                  <span className="second">{program(process.command)}</span>
                </td>
                <td className="num live">{gib(process.memory_mib)}</td>
                <td className="num">
                  <Whose gpu={gpu} process={process} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {all.length === 0 && <p className="pad second">{t("noProcess")}</p>}
      {gpu.unattributed_mib > 0 && (
        <p className="pad second">{t("unseen", { n: gib(gpu.unattributed_mib) })}</p>
      )}
    </section>
  );
}
