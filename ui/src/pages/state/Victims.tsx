/** Whose tasks an act hits: the first of them by name, the rest counted by owner. */
import type { Row } from "../../api/types";
import { TaskGlyph } from "../../parts/Glyph";
import { type Pair, say, useLanguage, useWords } from "../../words";
import { clock, since } from "../../words/format";
import { TASK_STATES } from "../../words/states";
import "./dialogs.css";

const words = {
  of: ["of {owner}", "{owner} 的"],
  on: ["on GPU {gpus}", "GPU {gpus}"],
  more: ["and {n} more: {text}", "另有 {n} 个：{text}"],
} as const satisfies Record<string, Pair>;

const MOST = 6;

export function Victims({ rows, consequence }: { rows: readonly Row[]; consequence: string }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const rest = rows.slice(MOST);
  const owners = new Map<string, number>();
  for (const row of rest) owners.set(row.tenant, (owners.get(row.tenant) ?? 0) + 1);
  const counted = [...owners].map(([owner, n]) => `${owner} ${n}`).join(", ");
  return (
    <div className="stack">
      <ul className="victims">
        {rows.slice(0, MOST).map((row) => (
          <li key={row.id} className="row">
            <TaskGlyph state={row.state} />
            <span>
              <span className="mono">#{row.id}</span> <b className="name">{row.name}</b>{" "}
              {t("of", { owner: row.tenant })}, {say(TASK_STATES[row.state].words, language)}
              {row.state === "running" && row.started_at && ` ${clock(since(row.started_at))}`}
              {row.state === "running" && row.gpus.length > 0 && ` ${t("on", { gpus: row.gpus.join(", ") })}`}
            </span>
          </li>
        ))}
      </ul>
      {rest.length > 0 && <p className="second">{t("more", { n: rest.length, text: counted })}</p>}
      <p>{consequence}</p>
    </div>
  );
}
