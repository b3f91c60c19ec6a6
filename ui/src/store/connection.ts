/** Whether what the page shows is true now: live, reconnecting, or stale since a time. */

/** Values are older than this: they turn grey. */
export const STALE_AFTER_MS = 5_000;
/** Without news for so long the badge says since when. */
export const GIVEN_UP_AFTER_MS = 30_000;

export interface Connection {
  state: "live" | "reconnecting" | "stale";
  /** When this state began, in milliseconds since the epoch. */
  since: number;
  /** When something was heard last; 0: never. */
  heardAt: number;
}

/** The state after something happened; the same object where nothing changed that anybody sees. */
export function next(now: Connection, what: "heard" | "lost" | "tick", at: number): Connection {
  if (what === "heard") {
    if (now.state !== "live") return { state: "live", since: at, heardAt: at };
    return at - now.heardAt < 1000 ? now : { ...now, heardAt: at };
  }
  const silent = at - now.heardAt;
  if (now.state === "live" && (what === "lost" || silent > STALE_AFTER_MS)) {
    return { state: "reconnecting", since: at, heardAt: now.heardAt };
  }
  if (now.state === "reconnecting" && now.heardAt > 0 && silent > GIVEN_UP_AFTER_MS) {
    return { ...now, state: "stale" };
  }
  return now;
}

/** Whether measured values should look old. */
export function isOld(connection: Connection, at: number): boolean {
  return connection.state !== "live" && at - connection.heardAt > STALE_AFTER_MS;
}
