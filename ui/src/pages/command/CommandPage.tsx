/** Command files: many configurations, edited, checked, started and followed. */
import { useRoute } from "wouter";
import { Empty } from "../../parts/Empty";
import { useResource } from "../../store/resource";
import { useRights } from "../../store/session";
import { useWords } from "../../words";
import "./command.css";
import { FileList } from "./FileList";
import { FileView } from "./FileView";
import { at, type FileRow, type Run, type StoredFile } from "./files";
import { aroundOf } from "./Lane";
import { useFileActs } from "./useFileActs";
import { words } from "./words";

const KINDS = ["file", "run"];

export default function CommandPage() {
  const t = useWords(words);
  const { maySubmit } = useRights();
  const [, place] = useRoute("/command/:mode?/:index?");
  const multi = useResource<FileRow[]>("/api/commands/multi/list", { on: KINDS });
  const single = useResource<FileRow[]>("/api/commands/single/list", { on: KINDS });
  const runs = useResource<{ schedulers: Run[] }>("/api/scheduler/status?processes=0", {
    on: ["run", "task"],
  });
  const files = [...(multi.data ?? []), ...(single.data ?? [])];
  const asked = files.find((file) => file.mode === place?.mode && String(file.index) === place?.index);
  const row = asked ?? files[0] ?? null;
  const file = useResource<StoredFile>(row && at("/api/commands", row), { on: ["file"] });
  const all = runs.data?.schedulers ?? [];
  const last =
    row && all.filter((one) => one.mode === row.mode && one.config_index === row.config_index).at(-1);
  const run = useResource<Run>(
    last ? `/api/scheduler/run/${last.pid}?around=${aroundOf(Object.keys(last.queues).length)}` : null,
    {
      on: ["run", "task"],
    },
  );
  const again = [multi.reload, single.reload, runs.reload, file.reload, run.reload];
  const reload = () => {
    for (const one of again) one();
  };
  const acts = useFileActs(reload);
  if (multi.data === null || single.data === null) return null;
  return (
    <>
      <h1 className="only-read">{t("title")}</h1>
      <div className="commands">
        <FileList
          files={files}
          runs={all}
          here={row}
          mayNew={maySubmit}
          onNew={(mode) => void acts.create(mode)}
        />
        {row === null && (
          <section className="card">
            <Empty title={t("none")} {...(maySubmit ? { command: "gavelq file new --mode single" } : {})}>
              {t("noneText")}
            </Empty>
          </section>
        )}
        {file.data && (
          <FileView
            key={`${file.data.mode}-${file.data.id}`}
            file={file.data}
            run={last ? (run.data ?? last) : null}
            acts={acts}
          />
        )}
      </div>
    </>
  );
}
