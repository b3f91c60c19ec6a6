import { expect, test, vi } from "vitest";
import { listen, useLive } from "./live";

class Stream {
  static readonly CLOSED = 2;
  static last: Stream;
  readyState = 1;
  onopen = () => undefined;
  onerror = () => undefined;
  private readonly heard = new Map<string, (message: { data: string }) => void>();
  constructor() {
    Stream.last = this;
  }
  addEventListener(name: string, act: (message: { data: string }) => void) {
    this.heard.set(name, act);
  }
  tell(name: string, data: unknown = {}) {
    this.heard.get(name)?.({ data: JSON.stringify(data) });
  }
  close() {}
}

const row = (id: number) => ({ id, state: "pending" });
const SAMPLE = { gpus: [], host: {}, counts: {}, at: "2026-01-01T00:00:00Z" };
const soon = () => new Promise((done) => setTimeout(done, 0));

test("of two readings at once the newer counts, whichever is answered last", async () => {
  const asked: { target: string; answer: (body: unknown) => void }[] = [];
  vi.stubGlobal("EventSource", Stream);
  vi.stubGlobal("fetch", (target: string) => {
    return new Promise((done) => {
      asked.push({ target, answer: (body) => done(Response.json(body)) });
    });
  });
  const answerAll = async (requests: typeof asked, ids: number[]) => {
    for (const one of requests) {
      const isLive = one.target.startsWith("/api/tasks") && !one.target.includes("newest");
      one.answer(isLive ? ids.map(row) : one.target.startsWith("/api/tasks") ? [] : { gpus: [], queues: [] });
    }
    for (let i = 0; i < 10; i++) await soon();
  };
  const stop = listen();
  try {
    Stream.last.tell("sample", SAMPLE);
    await answerAll(asked.splice(0), [1]);
    expect([...useLive.getState().tasks.keys()]).toEqual([1]);
    Stream.last.tell("gap");
    const older = asked.splice(0);
    Stream.last.tell("gap");
    const newer = asked.splice(0);
    await answerAll(newer, [1, 2]);
    await answerAll(older, [1]);
    expect([...useLive.getState().tasks.keys()]).toEqual([1, 2]);
  } finally {
    stop();
    vi.unstubAllGlobals();
  }
});
