/** Sentences with values of details in them. Pure. */
import { gib, span, when } from "../format";
import type { Details } from "../told";

function time(value: unknown): string | null {
  const at =
    typeof value === "number" ? value * 1000 : typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isFinite(at) ? when(new Date(at).toISOString(), "zh") : null;
}

/** How `{name:form}` is written; null where the value is none of that form. */
const FORMS: Readonly<Record<string, (value: unknown) => string | null>> = {
  gib: (value) => (typeof value === "number" ? `${gib(value)} GiB` : null),
  span: (value) => (typeof value === "number" ? span(value, "zh") : null),
  when: time,
  list: (value) => (Array.isArray(value) && value.length > 0 ? value.join("、") : null),
};

function plain(value: unknown): string | null {
  if (typeof value === "string" && value !== "") return value;
  return typeof value === "number" ? String(value) : null;
}

/** The sentence with the values of its `{name}` and `{name:form}`; null where one is lacking. */
export function filled(sentence: string, details: Details): string | null {
  let isWhole = true;
  const text = sentence.replace(/\{(\w+)(?::(\w+))?\}/g, (_, name: string, form?: string) => {
    const found = (form === undefined ? plain : FORMS[form])?.(details[name]) ?? null;
    if (found === null) isWhole = false;
    return found ?? "";
  });
  return isWhole ? text : null;
}

/** The first sentence of which all values are known. */
export function firstFilled(sentences: readonly string[], details: Details): string | null {
  for (const sentence of sentences) {
    const text = filled(sentence, details);
    if (text !== null) return text;
  }
  return null;
}

/** The details that are objects in a list; empty where there are none. */
export function objects(value: unknown): Details[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "object" && one !== null) : [];
}
