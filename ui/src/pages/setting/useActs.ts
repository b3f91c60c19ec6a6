/** Administrative acts, the newest first: kept up to date, and read further back page by page. */
import { useEffect, useState } from "react";
import { get, path } from "../../api/client";
import { act } from "../../parts/Toast";
import { useResource } from "../../store/resource";
import { type Act, joined } from "./plain";

const FIRST = 12;
const PAGE = 48;
const KINDS = ["tenant", "token", "queue", "gpu", "config", "daemon", "alert"];

export function useActs(): {
  acts: readonly Act[] | null;
  hasOlder: boolean;
  readOlder: () => Promise<unknown>;
} {
  const [acts, setActs] = useState<Act[] | null>(null);
  const [hasOlder, setOlder] = useState(false);
  const { data } = useResource<Act[]>(path("/api/audit", { limit: FIRST + 1 }), { on: KINDS });
  useEffect(() => {
    if (data === null) return;
    const isWhole = data.length <= FIRST;
    setActs((before) => joined(before ?? [], isWhole ? data : data.slice(1), isWhole));
    setOlder((before) => before || !isWhole);
  }, [data]);
  const readOlder = () =>
    act(async () => {
      const last = acts?.at(-1)?.id ?? null;
      const more = await get<Act[]>(path("/api/audit", { limit: PAGE + 1, before: last }));
      const hasMore = more.length > PAGE;
      setActs((before) => joined(before ?? [], hasMore ? more.slice(1) : more, true));
      setOlder(hasMore);
    });
  return { acts, hasOlder, readOlder };
}
