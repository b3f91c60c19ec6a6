/** The reports of one question; while those of a new one are read, the page keeps what it shows. */
import { useEffect, useState } from "react";
import { type Problem, path } from "../../api/client";
import { useResource } from "../../store/resource";
import { type By, dayAt, midnight, type Report } from "./usage";

export const AGAIN_MS = 60_000;

export type Range = "24h" | "7d" | "14d" | "90d" | "other";

/** What a person wants to see; `from` and `to` are days by the machine's calendar, empty is until now. */
export interface Asked {
  range: Range;
  by: By;
  from: string;
  to: string;
}

interface Found {
  by: By;
  whole: Report;
  /** By what was asked for, and day. */
  daily: Report;
  /** By day: what others had is told so. */
  foreign: Report;
}

export function useReports(asked: Asked): { found: Found | null; problem: Problem | null; isWrong: boolean } {
  const { range, by, from, to } = asked;
  const [found, setFound] = useState<Found | null>(null);
  const offsetS = found?.whole.utc_offset_s ?? -60 * new Date().getTimezoneOffset();
  const isOther = range === "other";
  const isWrong = isOther && (from === "" || from > dayAt(Date.now(), offsetS) || (to !== "" && to < from));
  const span = isOther
    ? {
        since: isWrong ? "" : midnight(from, offsetS),
        until: to === "" || isWrong ? null : midnight(to, offsetS, 1),
      }
    : { since: `-${range}` };
  const read = (division: string) => (isWrong ? null : path("/api/usage", { ...span, by: division }));
  const daily = useResource<Report>(read(`${by},day`), { everyMs: AGAIN_MS });
  const whole = useResource<Report>(read(by), { everyMs: AGAIN_MS });
  const foreign = useResource<Report>(read("day"), { everyMs: AGAIN_MS });
  useEffect(() => {
    if (daily.data && whole.data && foreign.data) {
      setFound({ by, daily: daily.data, whole: whole.data, foreign: foreign.data });
    }
  }, [by, daily.data, whole.data, foreign.data]);
  return { found, problem: whole.problem, isWrong };
}
