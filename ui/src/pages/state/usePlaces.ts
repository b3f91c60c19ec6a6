/** Where waiting tasks stand in the scheduler's order, and when they are expected to start. */
import { useEffect, useMemo, useRef } from "react";
import type { Row } from "../../api/types";
import { useResource } from "../../store/resource";
import type { Place, Places } from "./rows";

interface Plan {
  pending: { task_id: number; position: number; expected_start_at: string | null }[];
}

const EVERY_MS = 15_000;
/** A forecast costs the daemon something: after changes it is asked for once, so much later. */
const AFTER_MS = 2_000;

export function usePlaces(tasks: ReadonlyMap<number, Row>): Places {
  const waiting = useMemo(() => {
    const ids: number[] = [];
    for (const row of tasks.values()) if (row.state === "pending") ids.push(row.id);
    return ids.join(",");
  }, [tasks]);
  const { data, reload } = useResource<Plan>(waiting === "" ? null : "/api/plan?hours=1", {
    on: ["queue", "config"],
    everyMs: EVERY_MS,
  });
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const known = useRef("");
  useEffect(() => {
    if (known.current === waiting) return;
    const isFirst = known.current === "";
    known.current = waiting;
    if (isFirst || timer.current !== null) return;
    timer.current = setTimeout(() => {
      timer.current = null;
      reload();
    }, AFTER_MS);
  }, [waiting, reload]);
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current);
    },
    [],
  );
  return useMemo(() => {
    const places = new Map<number, Place>();
    for (const { task_id, position, expected_start_at } of data?.pending ?? [])
      places.set(task_id, { position, expected: expected_start_at });
    return places;
  }, [data]);
}
