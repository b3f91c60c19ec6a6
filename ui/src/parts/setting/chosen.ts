/** Which cards of the machine are named. Pure. */

/** An index, or a UUID. */
export type Card = number | string;

/** The list after a card was switched; all of them are written as none named. */
export function switched(named: readonly Card[], card: Card, all: readonly Card[]): Card[] {
  const lit = named.length === 0 ? [...all] : [...named];
  const after = lit.includes(card) ? lit.filter((one) => one !== card) : [...lit, card];
  const isAll = all.every((one) => after.includes(one)) && after.length === all.length;
  return isAll ? [] : after.sort((a, b) => String(a).localeCompare(String(b), "en", { numeric: true }));
}
