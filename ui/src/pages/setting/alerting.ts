/** What `GET /api/alerts` tells, and what its rules say. */
import type { Language } from "../../words";

export interface Firing {
  rule: string;
  subject: string;
  severity: string;
  text: string;
  fired_at: string;
  is_muted: boolean;
}

export interface Mute {
  rule: string;
  subject: string;
  until: string;
  by: string;
  reason: string;
}

export interface Alerts {
  firing: Firing[];
  recent: { at: string; event: string; by: string; rule: string; subject: string; text: string }[];
  mutes: Mute[];
  is_quiet: boolean;
  channels: string[];
  n_waiting: number | null;
}

export interface Tested {
  channel: string;
  delivered: boolean;
  problem: string | null;
}

const UNITS: Readonly<Record<string, readonly [en: string, zh: string]>> = {
  s: ["s", "秒"],
  m: ["min", "分钟"],
  h: ["h", "小时"],
  d: ["d", "天"],
};

/** `10m` is `10 min`, of a duration as settings are written; anything else stays as it is. */
export function duration(written: string, language: Language): string {
  const parts = [...written.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== written) return written;
  return parts.map(([, n, unit]) => `${n} ${UNITS[unit ?? ""]?.[language === "zh" ? 1 : 0]}`).join(" ");
}

/** A rule such as `90 for 1m` in two parts: the threshold, and for how long; null: none of it. */
export function conditionOf(value: string): { most: string; lasts: string | null } | null {
  if (value === "on" || value === "off") return null;
  const [most = "", lasts] = value.split(/\s+for\s+/);
  return { most, lasts: lasts ?? null };
}
