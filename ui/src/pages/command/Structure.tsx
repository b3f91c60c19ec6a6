/** The text by queue, as the daemon understands it: what runs one after another, and what beside it. */
import { useWords } from "../../words";
import type { Block, Mode } from "./files";
import { words } from "./words";

export function Structure({
  queues,
  mode,
}: {
  queues: Readonly<Record<string, readonly Block[]>>;
  mode: Mode;
}) {
  const t = useWords(words);
  return (
    <section className="structure scroll" tabIndex={0} aria-label={t("structure")}>
      {Object.entries(queues).map(([queue, blocks]) => (
        <section key={queue} className="file-lane">
          <h3 className="row">
            <span className="chip">{queue}</span>
            <span className="second">{t("tasksQueues", { tasks: blocks.length, queues: 1 })}</span>
          </h3>
          <ol>
            {blocks.map((block) => (
              <li key={block.process_index} className="process">
                <span className="quiet num">{block.line}</span>
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
        </section>
      ))}
    </section>
  );
}
