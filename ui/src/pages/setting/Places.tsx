/** The parts of the page, and where something needs somebody. */
import { useState } from "react";
import { say, useLanguage, useWords } from "../../words";
import { GROUPS, PARTS } from "./groups";
import { words } from "./words";

export function Places({ nFiring, nWrong }: { nFiring: number; nWrong: number }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const [here, setHere] = useState("daemon");
  const counts: Record<string, number> = { alerts: nFiring, doctor: nWrong };
  const all: (readonly [string, string])[] = [
    ...GROUPS.map((group) => [group.id, say(group.title, language)] as const),
    ...PARTS.map(([id, word]) => [id, t(word)] as const),
  ];
  const go = (id: string) => {
    setHere(id);
    document.getElementById(`setting-${id}`)?.scrollIntoView({ block: "start" });
  };
  return (
    <nav className="places" aria-label={t("parts")}>
      {all.map(([id, text]) => (
        <button
          key={id}
          type="button"
          className={id === here ? "here" : ""}
          aria-current={id === here ? "true" : undefined}
          onClick={() => go(id)}
        >
          {text}
          {(counts[id] ?? 0) > 0 && <span className="chip role-wait tinted push">{counts[id]}</span>}
        </button>
      ))}
    </nav>
  );
}
