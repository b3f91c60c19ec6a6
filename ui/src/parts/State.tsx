/** A state as glyph, word and colour. */
import type { TaskState } from "../api/types";
import { say, useLanguage } from "../words";
import { GPU_STATES, type ShownGpuState, TASK_STATES } from "../words/states";
import { GpuGlyph, TaskGlyph } from "./Glyph";

export function TaskStatePill({ state, part, bare }: { state: TaskState; part?: number; bare?: boolean }) {
  const language = useLanguage((choice) => choice.language);
  const { words, role } = TASK_STATES[state];
  return (
    <span className={`pill role-${role} ${bare ? "bare" : ""}`}>
      <TaskGlyph state={state} {...(part === undefined ? {} : { part })} />
      {say(words, language)}
    </span>
  );
}

export function GpuStatePill({ state }: { state: ShownGpuState }) {
  const language = useLanguage((choice) => choice.language);
  const { words, role } = GPU_STATES[state];
  return (
    <span className={`pill role-${role}`}>
      <GpuGlyph state={state} />
      {say(words, language)}
    </span>
  );
}
