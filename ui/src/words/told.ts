/** What the daemon tells, in Chinese: sentences made from codes and details, by a table that only Chinese loads. */

/** The details of a reason, a gate, a card or a refusal. */
export type Details = Readonly<Record<string, unknown>>;

/** Null, each of them, where there are no words or a value is lacking: then the daemon's own text is shown. */
export interface Table {
  /** Why a task waits. */
  wait: (reason: string, details: Details) => string | null;
  /** Why a card does not do. */
  card: (details: Details) => string | null;
  /** How a task ended; `detail` is the daemon's own text, which is told in brackets. */
  end: (
    reason: string,
    end: { exitCode: number | null; signal: number | null; detail: string },
  ) => string | null;
  /** A refusal by its code. */
  problem: (code: string, details: Details, message: string, hint: string | null) => string | null;
  /** A sentence for which there is no code: what is known of an end, a hold, an expected start. */
  text: (text: string) => string | null;
  /** What is wrong with a card. */
  fault: (text: string) => string;
}

let table: Table | null = null;

/** The table of the page's language; null: English, or not loaded yet. For what is no component: see useChinese. */
export function chinese(): Table | null {
  return table;
}

export function speak(found: Table | null): void {
  table = found;
}

/** One of the daemon's sentences for which there is no code. */
export function inPageLanguage(text: string): string {
  return table?.text(text) ?? text;
}
