/** The text by queue, as the daemon understands it: what runs one after another, and what beside it. */
import { useState } from "react";
import { Button } from "../../parts/Button";
import { Empty } from "../../parts/Empty";
import { useWords } from "../../words";
import type { Block, Mode } from "./files";
import { useNumbers } from "./numbers";
import { words } from "./words";

const FIRST = 40;

interface Props {
  queues: Readonly<Record<string, readonly Block[]>>;
  names: ReadonlyMap<string, string>;
  mode: Mode;
  /** Shows a line in the editor. */
  onLine: (line: number) => void;
}

function Queue({
  queue,
  blocks,
  names,
  mode,
  onLine,
}: Omit<Props, "queues"> & { queue: string; blocks: readonly Block[] }) {
  const t = useWords(words);
  const numbers = useNumbers();
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? blocks : blocks.slice(0, FIRST);
  const name = names.get(queue);
  return (
    <section className="file-lane">
      <h3 className="row">
        <span className="chip">{queue}</span>
        {name && <span className="name cut">{name}</span>}
        <span className="second">{numbers("task", blocks.length)}</span>
      </h3>
      <ol>
        {shown.map((block) => (
          <li key={block.process_index} className="process">
            <button
              type="button"
              className="as-link num"
              aria-label={t("goToLine", { n: block.line })}
              title={t("goToLine", { n: block.line })}
              onClick={() => onLine(block.line)}
            >
              {block.line}
            </button>
            <span className="mono">
              {block.commands.map((command, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: commands are their places
                <span key={i} className="cut block-line" title={command}>
                  {command}
                </span>
              ))}
            </span>
            <span />
            <span className="second num">
              {mode === "multi" ? `${block.gpu_count} × ` : ""}
              {block.memory_gb} GB
            </span>
          </li>
        ))}
      </ol>
      {blocks.length > shown.length && (
        <div>
          <Button size="small" onClick={() => setWhole(true)}>
            {t("moreTasks", { n: blocks.length - shown.length })}
          </Button>
        </div>
      )}
    </section>
  );
}

export function Structure({ queues, ...rest }: Props) {
  const t = useWords(words);
  const all = Object.entries(queues);
  return (
    <section className="structure scroll" tabIndex={0} aria-label={t("structure")}>
      {all.length === 0 && <Empty title={t("noTasks")}>{t("noneText")}</Empty>}
      {all.map(([queue, blocks]) => (
        <Queue key={queue} queue={queue} blocks={blocks} {...rest} />
      ))}
    </section>
  );
}
