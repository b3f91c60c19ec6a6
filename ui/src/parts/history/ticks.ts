/** Where a time axis has its marks, and what stands there. Times are milliseconds since the epoch. */
import type { Language } from "../../words";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  1 * MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  1 * HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  1 * DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
];

export interface Tick {
  at: number;
  text: string;
}

/** Marks at round local times, at most `most` of them. */
export function ticks(from: number, to: number, most: number, language: Language): Tick[] {
  const step = STEPS.find((one) => (to - from) / one <= most) ?? 14 * DAY;
  const found: Tick[] = [];
  const day = new Date(from);
  day.setHours(0, 0, 0, 0);
  // By the local clock, so that days of 23 and 25 hours keep their marks at full hours.
  for (let n = 0; ; n++) {
    const at =
      step >= DAY
        ? new Date(day.getFullYear(), day.getMonth(), day.getDate() + (n * step) / DAY).getTime()
        : new Date(day.getFullYear(), day.getMonth(), day.getDate(), 0, (n * step) / MINUTE).getTime();
    if (at > to) return found;
    if (at >= from && at !== found.at(-1)?.at) found.push({ at, text: tickText(at, step, language) });
  }
}

function tickText(at: number, step: number, language: Language): string {
  const time = new Date(at);
  if (step > DAY || (step === DAY && time.getHours() === 0)) {
    return `${time.getMonth() + 1}-${String(time.getDate()).padStart(2, "0")}`;
  }
  if (time.getHours() === 0 && time.getMinutes() === 0) {
    return time.toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { weekday: "short" });
  }
  return clockText(at);
}

/** `14:05`. */
export function clockText(at: number): string {
  const time = new Date(at);
  return `${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
}

/** What the cursor says: `14:05:30` for short spans, `Tue 05:25`, `11-03 05:25`. */
export function momentText(at: number, span: number, language: Language): string {
  const time = new Date(at);
  const seconds = String(time.getSeconds()).padStart(2, "0");
  if (span <= HOUR) return `${clockText(at)}:${seconds}`;
  if (span <= 12 * HOUR) return clockText(at);
  if (span <= 7 * DAY) {
    const weekday = time.toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { weekday: "short" });
    return `${weekday} ${clockText(at)}`;
  }
  return `${time.getMonth() + 1}-${String(time.getDate()).padStart(2, "0")} ${clockText(at)}`;
}
