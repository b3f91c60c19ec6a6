/** A cell per card in the top bar: fill = memory, pattern = whose. */
import { Link } from "wouter";
import type { Gpu } from "../api/types";
import { useLive } from "../store/live";
import { type Pair, useWords } from "../words";

const words: Record<string, Pair> = { label: ["GPUs at a glance: {text}", "GPU 概览：{text}"] };

function Cell({ gpu }: { gpu: Gpu }) {
  const part = gpu.memory_used_mib === null ? 0 : gpu.memory_used_mib / Math.max(1, gpu.memory_total_mib);
  const isBusy = gpu.state === "busy" || gpu.state === "shared";
  const fill = gpu.state === "foreign" ? "fill-foreign" : isBusy ? "fill-mine" : "fill-others";
  return (
    <span className={`cell ${gpu.state}`}>
      <span className={fill} style={{ height: `${Math.max(isBusy ? 20 : 0, 100 * part)}%` }} />
    </span>
  );
}

export function Miniature() {
  const gpus = useLive((live) => live.gpus);
  const t = useWords(words);
  if (gpus.length === 0) return null;
  const text = gpus.map((gpu) => `${gpu.index} ${gpu.state}`).join(", ");
  return (
    <Link href="/gpu" className="miniature" aria-label={t("label", { text })}>
      {gpus.slice(0, 16).map((gpu) => (
        <Cell key={gpu.uuid} gpu={gpu} />
      ))}
    </Link>
  );
}
