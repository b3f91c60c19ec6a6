/** The values of the last form, kept in this browser; environments may hold secrets and are not. */
import { type Draft, FRESH } from "./draft";

const KEY = "gavelq.newtask";

export function kept(): Draft {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Draft>;
    const known = Object.entries(found).filter(
      ([name, value]) => name in FRESH && typeof value === typeof FRESH[name as keyof Draft],
    );
    return { ...FRESH, ...Object.fromEntries(known) };
  } catch {
    return FRESH;
  }
}

export function keepDraft(draft: Draft): void {
  const { env: _, notify: __, ...rest } = draft;
  localStorage.setItem(KEY, JSON.stringify(rest));
}
