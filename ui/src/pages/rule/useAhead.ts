/** One look ahead at a time, which goes on while one looks at other pages; its answer stays until the next one. */
import { create } from "zustand";
import { Problem, post } from "../../api/client";
import type { Simulation } from "../../api/types";
import { namesOf, type Sent } from "../../parts/setting/values";
import { useRights } from "../../store/session";
import { type Fields, HOURS, hoursOf, questionOf } from "./ahead";

/** The daemon gives up before. */
const PATIENCE_MS = 70_000;

export interface Answer {
  told: Simulation;
  /** The rules that it is about, and the fields. */
  rules: string;
  fields: Fields;
  /** Settings that were left out. */
  without: readonly string[];
}

interface Ahead {
  /** Whose it is: nobody sees what another account was told. */
  who: string;
  fields: Fields;
  isAsking: boolean;
  answer: Answer | null;
  problem: { problem: Problem; rules: string; fields: Fields } | null;
  /** Settings of which nothing comes: the daemon said so, and it was agreed to leave them out. */
  without: readonly string[];
}

function nothing(who: string): Ahead {
  const fields = { hours: String(HOURS), assume: "" };
  return { who, fields, isAsking: false, answer: null, problem: null, without: [] };
}

const useStore = create<Ahead>(() => nothing(""));

/** `sent`: the changes that are not saved; `inForce`: how the rules read now, as far as this account may know. */
export function useAhead(sent: Sent, inForce: string) {
  const { tenant, isAdmin } = useRights();
  const who = `${isAdmin ? "admin" : "tenant"} ${tenant}`;
  const found = useStore();
  const ahead = found.who === who ? found : nothing(who);
  const rules = JSON.stringify([sent, inForce]);
  const { fields, answer, problem } = ahead;
  const isAbout = (of: { rules: string; fields: Fields }) =>
    of.rules === rules && of.fields.hours === fields.hours && of.fields.assume === fields.assume;

  const change = (part: (before: Ahead) => Partial<Ahead>) =>
    useStore.setState((now) => {
      const before = now.who === who ? now : nothing(who);
      return { ...before, ...part(before) };
    }, true);
  /** What comes late for somebody who has gone is nobody's. */
  const end = (part: Partial<Ahead>) => useStore.getState().who === who && change(() => part);

  const ask = async (without: readonly string[]) => {
    const { getState } = useStore;
    const hours = hoursOf(fields.hours);
    if (hours === null || (getState().who === who && getState().isAsking)) return;
    change(() => ({ without, isAsking: true, problem: null }));
    try {
      const question = questionOf(sent, hours, fields.assume, without);
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const told = await post<Simulation>("/api/simulate", question, { signal });
      const left = namesOf(sent).filter((name) => without.includes(name));
      end({ isAsking: false, answer: { told, rules, fields, without: left } });
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem(0, "", String(error), null, null);
      end({ isAsking: false, problem: { problem, rules, fields } });
    }
  };
  return {
    fields,
    isAsking: ahead.isAsking,
    answer,
    /** What is refused of the question as it is now; of an earlier one nothing is to be done. */
    problem: problem && isAbout(problem) ? problem.problem : null,
    /** The answer is about other rules or other fields than those of now. */
    stale: answer === null || isAbout(answer) ? null : answer.rules === rules ? "fields" : "rules",
    write: (part: Partial<Fields>) => change((before) => ({ fields: { ...before.fields, ...part } })),
    ask: () => ask(ahead.without),
    /** Ask without these settings, now and later. */
    askWithout: (names: readonly string[]) => ask([...new Set([...ahead.without, ...names])]),
  };
}

export type Asking = ReturnType<typeof useAhead>;
