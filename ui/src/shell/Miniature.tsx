/** A cell per card in the top bar: fill = memory, pattern = whose. */
import { Link } from "wouter";
import { useShallow } from "zustand/react/shallow";
import type { Gpu } from "../api/types";
import { useLive } from "../store/live";
import { useRights } from "../store/session";
import { type Pair, say, useLanguage, useWords } from "../words";
import { GPU_STATES } from "../words/states";

const words: Record<string, Pair> = { label: ["GPUs at a glance: {text}", "GPU 概览：{text}"] };

function Cell({ gpu, isMine }: { gpu: Gpu; isMine: boolean }) {
  const part = gpu.memory_used_mib === null ? 0 : gpu.memory_used_mib / Math.max(1, gpu.memory_total_mib);
  const isBusy = gpu.state === "busy" || gpu.state === "shared";
  const fill = gpu.state === "foreign" ? "fill-foreign" : isMine ? "fill-mine" : "fill-others";
  return (
    <span className={`cell ${gpu.state}`}>
      <span className={fill} style={{ height: `${Math.max(isBusy ? 20 : 0, 100 * part)}%` }} />
    </span>
  );
}

export function Miniature() {
  const gpus = useLive((live) => live.gpus);
  const me = useRights().tenant;
  const mine = useLive(
    useShallow((live) => live.gpus.map((gpu) => gpu.tasks.some((id) => live.tasks.get(id)?.tenant === me))),
  );
  const language = useLanguage((choice) => choice.language);
  const t = useWords(words);
  if (gpus.length === 0) return null;
  const text = gpus.map((gpu) => `${gpu.index} ${say(GPU_STATES[gpu.state].words, language)}`).join(", ");
  return (
    <Link href="/gpu" className="miniature" aria-label={t("label", { text })}>
      {gpus.slice(0, 16).map((gpu, i) => (
        <Cell key={gpu.uuid} gpu={gpu} isMine={mine[i] ?? false} />
      ))}
    </Link>
  );
}
