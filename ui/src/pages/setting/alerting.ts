/** What `GET /api/alerts` tells. */
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
