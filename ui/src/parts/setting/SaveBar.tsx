/** One bar saves all changes, or none of them. */
import { type ReactNode, useState } from "react";
import { post } from "../../api/client";
import { useWords } from "../../words";
import { Button } from "../Button";
import { complain, toast } from "../Toast";
import type { Drafting } from "./useDraft";
import { words } from "./words";

const MOST = 4;

export function SaveBar({ drafting, children }: { drafting: Drafting; children?: ReactNode }) {
  const t = useWords(words);
  const [isBusy, setBusy] = useState(false);
  const n = drafting.names.length;
  const few = (names: readonly string[]) =>
    names.slice(0, MOST).join(", ") + (names.length > MOST ? ` + ${names.length - MOST}` : "");
  const save = async () => {
    setBusy(true);
    try {
      const { change, needs_restart, warnings } = await drafting.save();
      const number = change?.number;
      if (change === null || number === undefined) toast(t("nothing"));
      else {
        const names = few(change.settings.map((one) => one.name));
        toast(t("saved", { names }), () => post("/api/config/undo", { number }));
      }
      if (needs_restart.length > 0) toast(t("restart", { names: few(needs_restart) }));
      for (const warning of warnings.slice(0, 2)) toast(warning);
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  const other = drafting.mistakes[""];
  return (
    <div className="savebar">
      <span className="grow">
        {other ? (
          <span className="problem" role="alert">
            {other}
          </span>
        ) : (
          <span className="second">{children}</span>
        )}
      </span>
      <Button disabled={n === 0 || isBusy} onClick={drafting.discard}>
        {t("discard")}
      </Button>
      <Button
        kind="primary"
        disabled={n === 0 || isBusy}
        refused={drafting.isValid ? null : t("wrong")}
        onClick={() => void save()}
      >
        {t(n === 0 ? "save0" : n === 1 ? "save1" : "save", { n })}
      </Button>
    </div>
  );
}
