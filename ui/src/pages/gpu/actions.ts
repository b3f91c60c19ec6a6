/** What a person does with a GPU, with what is told afterwards and how it is undone. */
import { post } from "../../api/client";
import type { Gpu } from "../../api/types";
import { confirm } from "../../parts/Dialog";
import { act } from "../../parts/Toast";
import { useWords } from "../../words";
import { words } from "./words";

/** The path of a verb on a card. */
export function verb(gpu: Gpu, name: string): string {
  return `/api/gpus/${encodeURIComponent(gpu.uuid)}/${name}`;
}

export function useGpuActions() {
  const t = useWords(words);
  const put = (gpu: Gpu) => ({ gpu: String(gpu.index) });
  return {
    ignore: (gpu: Gpu) =>
      act(
        () => post(verb(gpu, "ignore")),
        t("ignored", put(gpu)),
        () => post(verb(gpu, "unignore")),
      ),
    /** Also ends a drain and a fault; only an ignored card can be ignored anew without a loss. */
    unignore: (gpu: Gpu) =>
      act(
        () => post(verb(gpu, "unignore")),
        t("unignored", put(gpu)),
        ...(gpu.unavailable === "ignored" && gpu.fault === null ? [() => post(verb(gpu, "ignore"))] : []),
      ),
    share: async (gpu: Gpu, pid?: number) => {
      const { isAgreed } = await confirm({
        title: t("shareTitle", put(gpu)),
        text: t("shareText"),
        effect: t("shareEffect", put(gpu)),
        isDanger: false,
      });
      if (!isAgreed) return false;
      const body = pid === undefined ? {} : { pid };
      return act(
        () => post(verb(gpu, "share"), body),
        t("shared", put(gpu)),
        () => post(verb(gpu, "unshare")),
      );
    },
    unshare: (gpu: Gpu) =>
      act(
        () => post(verb(gpu, "unshare")),
        t("unshared", put(gpu)),
        () => post(verb(gpu, "share")),
      ),
  };
}
