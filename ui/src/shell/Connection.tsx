/** Whether the page is live; while it is not, values are marked as old. */
import { useEffect, useState } from "react";
import { isOld } from "../store/connection";
import { useLive } from "../store/live";
import { type Pair, useWords } from "../words";
import { timeOfDay } from "../words/format";

const words: Record<string, Pair> = {
  live: ["Live", "实时"],
  reconnecting: ["Reconnecting, {s} s", "重新连接中，{s} 秒"],
  stale: ["Stale since {at}", "数据停留在 {at}"],
};

/** Now, in milliseconds; the component is drawn anew every second. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const clock = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(clock);
  }, [everyMs]);
  return now;
}

export function ConnectionBadge() {
  const connection = useLive((live) => live.connection);
  const now = useNow();
  const t = useWords(words);
  const old = isOld(connection, now);
  useEffect(() => {
    document.documentElement.toggleAttribute("data-old", old);
  }, [old]);
  const { state, since, heardAt } = connection;
  const at = timeOfDay(new Date(heardAt));
  const role = { live: "ok", reconnecting: "wait", stale: "bad" }[state];
  return (
    <span className={`pill bare role-${role}`} role="status" data-connection={state}>
      <svg
        width={12}
        height={12}
        viewBox="0 0 12 12"
        fill="none"
        stroke="currentColor"
        strokeWidth={1.6}
        aria-hidden="true"
      >
        {state === "live" && <circle cx={6} cy={6} r={4} fill="currentColor" stroke="none" />}
        {state === "reconnecting" && <circle cx={6} cy={6} r={4.4} strokeDasharray="3.2 2.2" />}
        {state === "stale" && <path d="M2.5 2.5l7 7M9.5 2.5l-7 7" />}
      </svg>
      {t(state, { s: Math.round((now - since) / 1000), at })}
    </span>
  );
}
