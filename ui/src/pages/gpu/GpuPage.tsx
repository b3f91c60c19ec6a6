/** `/gpu`: all GPUs; `/gpu/3`: one of them. A machine with one GPU shows that at once. */
import { useRoute } from "wouter";
import { lazily } from "../../parts/lazily";
import { useLive } from "../../store/live";
import { Overview } from "./Overview";

// The charts' library comes with it.
const Detail = lazily(
  () => import("./detail/Detail"),
  (found) => found.default,
);

export default function GpuPage() {
  const [isOne, match] = useRoute("/gpu/:name");
  const only = useLive((live) => (live.gpus.length === 1 ? live.gpus[0]?.uuid : undefined));
  const name = isOne ? decodeURIComponent(match.name) : only;
  if (name === undefined) return <Overview />;
  return <Detail name={name} isAlone={only !== undefined} />;
}
