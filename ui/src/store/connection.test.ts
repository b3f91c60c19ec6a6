import { expect, test } from "vitest";
import { type Connection, isOld, next } from "./connection";

const start: Connection = { state: "reconnecting", since: 0, heardAt: 0 };

function after(...steps: [what: "heard" | "lost" | "tick", at: number][]): Connection {
  return steps.reduce((now, [what, at]) => next(now, what, at), start);
}

test("it is live as soon as something is heard, and not stale before", () => {
  expect(after(["tick", 60_000]).state).toBe("reconnecting");
  expect(after(["heard", 1000])).toEqual({ state: "live", since: 1000, heardAt: 1000 });
});

test("five silent seconds mean that it is lost, thirty that nobody waits for it any more", () => {
  expect(after(["heard", 1000], ["tick", 5900]).state).toBe("live");
  expect(after(["heard", 1000], ["tick", 6100]).state).toBe("reconnecting");
  expect(after(["heard", 1000], ["lost", 2000], ["tick", 30_000]).state).toBe("reconnecting");
  expect(after(["heard", 1000], ["lost", 2000], ["tick", 31_100]).state).toBe("stale");
  expect(after(["heard", 1000], ["lost", 2000], ["tick", 31_100], ["heard", 40_000]).state).toBe("live");
});

test("values look old five seconds after the last news, not at the first hiccup", () => {
  const lost = after(["heard", 1000], ["lost", 2000]);
  expect(isOld(lost, 2500)).toBe(false);
  expect(isOld(lost, 6500)).toBe(true);
});
