/** How numbers and times are written. Memory is measured in MiB by the daemon and shown in GiB. */
import type { Language } from "./index";

const THIN = "\u2009";

/** `41.2`, of MiB; a dash where nobody knows. */
export function gib(mib: number | null | undefined, digits = 1): string {
  return mib === null || mib === undefined ? "–" : (mib / 1024).toFixed(digits);
}

/** `48`, of MiB: whole numbers without their zero. */
export function wholeGib(mib: number | null | undefined): string {
  return gib(mib).replace(/\.0$/, "");
}

/** `97 %`. */
export function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : `${Math.round(value)}${THIN}%`;
}

/** `1:52:10` or `0:00:02`, of seconds. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return `${h}:${String(m).padStart(2, "0")}:${String(s).padStart(2, "0")}`;
}

/** `1:52`: hours and minutes, of seconds. */
export function hours(seconds: number): string {
  const minutes = Math.max(0, Math.floor(seconds / 60));
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}

/** `51 min`, `3 h 25 min`, `2 d 4 h`. */
export function span(seconds: number, language: Language): string {
  const words = language === "zh" ? ["天", "小时", "分钟", "秒"] : ["d", "h", "min", "s"];
  const parts: [number, string | undefined][] = [
    [Math.floor(seconds / 86400), words[0]],
    [Math.floor((seconds % 86400) / 3600), words[1]],
    [Math.floor((seconds % 3600) / 60), words[2]],
    [Math.floor(seconds % 60), words[3]],
  ];
  const from = parts.findIndex(([n]) => n > 0);
  if (from < 0) return `0 ${words[3]}`;
  const shown = from >= 2 ? parts.slice(from, from + 1) : parts.slice(from, from + 2).filter(([n]) => n > 0);
  return shown.map(([n, word]) => `${n} ${word}`).join(" ");
}

/** `14:32`, by this browser's clock. */
export function timeOfDay(at: Date): string {
  return at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** `14:32` today, `Mon 18:20` within a week, `2026-08-01 14:32` before. */
export function when(iso: string, language: Language, now = Date.now()): string {
  const at = new Date(iso);
  const time = timeOfDay(at);
  if (at.toDateString() === new Date(now).toDateString()) return time;
  const place = language === "zh" ? "zh-CN" : "en-GB";
  if (Math.abs(now - at.getTime()) < 6.5 * 86400e3)
    return `${at.toLocaleDateString(place, { weekday: "short" })} ${time}`;
  const [y, m, d] = [at.getFullYear(), at.getMonth() + 1, at.getDate()];
  return `${y}-${String(m).padStart(2, "0")}-${String(d).padStart(2, "0")} ${time}`;
}

/** Seconds between then and now (or another time). */
export function since(iso: string, now = Date.now()): number {
  return (now - new Date(iso).getTime()) / 1000;
}
