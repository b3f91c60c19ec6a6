/** A message to the owner of a foreign process, ready to be sent: what is known, and a friendly question. */
import { CopyButton } from "../../parts/Copy";
import { useNarrow } from "../../parts/useSize";
import { useLive } from "../../store/live";
import { useLanguage, useWords } from "../../words";
import { gib, when } from "../../words/format";
import type { ForeignBlocker } from "./blockers";
import { program } from "./cards";
import { words } from "./words";

/** The message; what nobody knows is left out. Null where there is nobody to write to. */
function useMessage({ gpu, process, mib, since }: ForeignBlocker): string | null {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const host = useLive((live) => live.host?.name || location.hostname);
  if (process === null) return null;
  const { user, pid, command } = process;
  const what =
    program(command) === ""
      ? t("messagePid", { pid })
      : t("messageProgram", { program: program(command), pid });
  const put = { what, host, mem: gib(mib), gpu: gpu.index, n: gpu.blocks };
  return [
    user === null ? t("messageHello") : t("messageHelloTo", { user }),
    since === null ? t("messageUses", put) : t("messageSince", { ...put, at: when(since, language) }),
    gpu.blocks === 0 ? t("messageWanted") : t(gpu.blocks === 1 ? "messageWaits" : "messageWait", put),
    t("messageAsk"),
  ].join(t("messageGap"));
}

export function MessageButton({ one }: { one: ForeignBlocker }) {
  const t = useWords(words);
  const isNarrow = useNarrow();
  const message = useMessage(one);
  if (message === null) return null;
  const user = one.process?.user ?? null;
  return (
    <CopyButton text={message} small={false} hint={message}>
      {user === null || isNarrow ? t("copyMessage") : t("copyTo", { user })}
    </CopyButton>
  );
}
