/** The plan of the next hours as rows of bars: pure. */
import type { Gpu, Row } from "../../api/types";

export interface PlanSpan {
  kind: "running" | "reserved" | "expected" | "foreign";
  task_id: number | null;
  name: string | null;
  tenant: string | null;
  is_own: boolean;
  from: string;
  /** Null: nobody knows. */
  to: string | null;
  is_limit: boolean;
}

export interface Next {
  kind: "ends" | "starts" | "foreign" | "ignored" | "draining" | "lost" | "idle";
  task_id: number | null;
  name: string | null;
  at: string | null;
  text: string;
}

export interface CardPlan {
  index: number | string;
  uuid: string;
  next: Next;
  spans: PlanSpan[];
}

/** `GET /api/plan`. */
export interface PlanAnswer {
  at: string;
  until: string;
  gpus: CardPlan[];
  pending: {
    task_id: number;
    position: number;
    expected_start_at: string | null;
    expected_basis: string | null;
    gpus: (number | string)[];
  }[];
}

export type BarKind = "past" | "running" | "reserved" | "expected" | "foreign" | "off";

/** A bar in a card's row; several tasks that share the card are one. Times in milliseconds; null: nobody knows. */
export interface Bar {
  kind: BarKind;
  ids: number[];
  text: string;
  fill: "mine" | "others" | "foreign";
  from: number;
  to: number | null;
}

const PAST_PART = 1 / 6;

/** The window around now: a sixth of it is over. */
export function windowOf(now: number, hours: number): readonly [number, number] {
  const span = hours * 3600e3;
  return [now - span * PAST_PART, now + span * (1 - PAST_PART)];
}

/** The bars of a card, those of the past first. */
export function barsOf(
  gpu: Gpu,
  plan: CardPlan | undefined,
  ended: readonly Row[],
  me: string,
  from: number,
): Bar[] {
  const past = ended
    .filter((task) => task.started_at !== null && task.ended_at !== null && task.gpus.includes(gpu.index))
    .filter((task) => Date.parse(task.ended_at ?? "") > from)
    .map(
      (task): Bar => ({
        kind: "past",
        ids: [task.id],
        text: named(task.id, task.name),
        fill: task.tenant === me ? "mine" : "others",
        from: Date.parse(task.started_at ?? ""),
        to: Date.parse(task.ended_at ?? ""),
      }),
    );
  const ahead = (plan?.spans ?? []).map(
    (span): Bar => ({
      kind: span.kind,
      ids: span.task_id === null ? [] : [span.task_id],
      text: span.task_id === null ? (span.name ?? "") : named(span.task_id, span.name ?? ""),
      fill: span.kind === "foreign" ? "foreign" : span.is_own ? "mine" : "others",
      from: Date.parse(span.from),
      to: span.to === null ? null : Date.parse(span.to),
    }),
  );
  return [...merged(past), ...merged(ahead)];
}

function named(id: number, name: string): string {
  return `#${id} ${name}`.trim();
}

/** Bars of a kind that overlap become one. */
export function merged(bars: readonly Bar[]): Bar[] {
  const found: Bar[] = [];
  for (const bar of [...bars].sort((a, b) => a.from - b.from)) {
    const before = found.findLast(({ kind }) => kind === bar.kind);
    if (before === undefined || (before.to ?? Number.POSITIVE_INFINITY) <= bar.from) {
      found.push({ ...bar });
      continue;
    }
    before.ids = [...new Set([...before.ids, ...bar.ids])];
    before.text =
      before.ids.length > 1 ? before.ids.map((id) => `#${id}`).join(", ") : before.text || bar.text;
    before.to = before.to === null || bar.to === null ? null : Math.max(before.to, bar.to);
    if (bar.fill !== before.fill) before.fill = "others";
  }
  return found;
}
