/** Round = task, square = GPU. Glyphs are hidden from readers: a word always stands beside them. */
import type { ReactNode } from "react";
import type { TaskState } from "../api/types";
import { GPU_STATES, type ShownGpuState, TASK_STATES } from "../words/states";

interface Props {
  size?: number;
}

function Svg({ children, size = 16, className = "" }: Props & { children: ReactNode; className?: string }) {
  return (
    <svg
      className={`glyph ${className}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

const ring = <circle cx={8} cy={8} r={6} />;
const disc = <circle cx={8} cy={8} r={6.5} fill="currentColor" stroke="none" />;
const onDisc = { stroke: "var(--surface)" } as const;

/** A pie from twelve o'clock: the part of the time limit that is over. */
function wedge(part: number): ReactNode {
  const share = Math.min(0.97, Math.max(0.04, part));
  const angle = share * 2 * Math.PI;
  const [x, y] = [8 + 3.6 * Math.sin(angle), 8 - 3.6 * Math.cos(angle)];
  return (
    <path d={`M8 8V4.4A3.6 3.6 0 ${share > 0.5 ? 1 : 0} 1 ${x} ${y}Z`} fill="currentColor" stroke="none" />
  );
}

function taskShape(state: TaskState, part: number): ReactNode {
  switch (state) {
    case "held":
      return (
        <>
          <circle cx={8} cy={8} r={6} strokeDasharray="2.6 1.9" />
          <path d="M6.6 6v4M9.4 6v4" />
        </>
      );
    case "pending":
      return (
        <>
          {ring}
          <path d="M8 4.8V8l2 1.4" />
        </>
      );
    case "starting":
      return (
        <>
          {ring}
          <path d="M6.8 5.8v4.4L10.4 8z" fill="currentColor" stroke="none" />
        </>
      );
    case "running":
      return (
        <>
          {ring}
          {wedge(part)}
        </>
      );
    case "stopping":
      return (
        <>
          {ring}
          <rect x={6} y={6} width={4} height={4} fill="currentColor" stroke="none" />
        </>
      );
    case "completed":
      return (
        <>
          {disc}
          <path d="M5.4 8.2l1.8 1.8 3.4-3.8" {...onDisc} />
        </>
      );
    case "failed":
      return (
        <>
          {disc}
          <path d="M6 6l4 4M10 6l-4 4" {...onDisc} />
        </>
      );
    case "cancelled":
      return (
        <>
          {ring}
          <path d="M4 12l8-8" />
        </>
      );
    case "aborted":
      return (
        <>
          <path d="M8 1.2L14.8 8 8 14.8 1.2 8z" fill="currentColor" stroke="none" />
          <path d="M8 5v3.4M8 10.8v.1" {...onDisc} />
        </>
      );
  }
}

const box = <rect x={2.5} y={2.5} width={11} height={11} rx={1.5} />;
const hatch = <path d="M3 9l6-6M3 13l10-10M7 13l6-6" strokeWidth={1.6} />;

function gpuShape(state: ShownGpuState): ReactNode {
  switch (state) {
    case "free":
      return box;
    case "reserved":
      return (
        <>
          {box}
          <path d="M8 5.2V8l1.8 1.2" />
        </>
      );
    case "busy":
      return <rect x={2} y={2} width={12} height={12} rx={1.5} fill="currentColor" stroke="none" />;
    case "shared":
      return (
        <>
          {box}
          <rect x={2.5} y={2.5} width={5.5} height={11} fill="currentColor" stroke="none" />
        </>
      );
    case "foreign":
      return (
        <>
          {box}
          {hatch}
        </>
      );
    case "draining":
      return (
        <>
          {box}
          <path d="M8 5v5M5.8 8L8 10.2 10.2 8" />
        </>
      );
    case "ignored":
      return (
        <>
          {box}
          <path d="M3 13L13 3" />
        </>
      );
    case "lost":
      return (
        <>
          <rect x={2.5} y={2.5} width={11} height={11} rx={1.5} strokeDasharray="2.4 1.8" />
          <path d="M6.2 6.2l3.6 3.6M9.8 6.2L6.2 9.8" />
        </>
      );
  }
}

/** A task's state. `part`: how much of the time limit is over, 0 to 1 (half where there is none). */
export function TaskGlyph({ state, part = 0.5, size }: Props & { state: TaskState; part?: number }) {
  return (
    <Svg size={size ?? 16} className={`role-${TASK_STATES[state].role}`}>
      {taskShape(state, part)}
    </Svg>
  );
}

/** A GPU's state. */
export function GpuGlyph({ state, size }: Props & { state: ShownGpuState }) {
  return (
    <Svg size={size ?? 16} className={`role-${GPU_STATES[state].role}`}>
      {gpuShape(state)}
    </Svg>
  );
}
