/** What a rule is to the form: its settings, its short name, its meaning. */
import type { Pair } from "../../words";

export interface Rule {
  /** Settings that one row holds; more than one stand beside each other. */
  keys: readonly string[];
  name: Pair;
  meaning: Pair;
  /** Behind the number. */
  unit?: Pair;
  /** Words for the choices. */
  options?: readonly (readonly [value: unknown, text: Pair])[];
  /** Between two of them. */
  between?: Pair;
  /** What an empty field means. */
  none?: Pair;
}

export interface Group {
  id: string;
  title: Pair;
  hint: Pair;
  rules: readonly Rule[];
}

/** Where nothing is written there is none. */
export const NO_LIMIT: Pair = ["no limit", "不限"];

/** A rule, written in a line; `key`: its settings with blanks between. */
export function rule(key: string, name: Pair, meaning: Pair, more: Partial<Rule> = {}): Rule {
  return { keys: key.split(" "), name, meaning, ...more };
}
