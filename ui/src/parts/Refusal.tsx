/** What the daemon refuses of a form: told at the field that is meant, or below the fields where none is. */
import { useState } from "react";
import { Problem } from "../api/client";

/** The paragraph above a form's buttons; null: nothing is wrong. */
export function Refusal({ text }: { text: string | null }) {
  return text === null ? null : (
    <p className="problem" role="alert">
      {text}
    </p>
  );
}

/** `fields`: the names in the API of those that the form shows. */
export function useRefusal(fields: readonly string[]) {
  const [problem, setProblem] = useState<Problem | null>(null);
  /** Do what the form is for; whether it was done. */
  const attempt = async (doing: () => Promise<unknown>): Promise<boolean> => {
    try {
      await doing();
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      return false;
    }
  };
  return {
    attempt,
    /** What is wrong with a field. */
    wrong: (field: string) => (problem?.field === field ? problem.message : null),
    /** What is wrong with none of them. */
    rest: problem === null || fields.includes(problem.field ?? "") ? null : problem.message,
  };
}
