/** 16 px line drawings; the words beside them say what they do. */
import type { ReactElement } from "react";

const SHAPES = {
  gpus: "M2 4.5h11a1 1 0 011 1v5a1 1 0 01-1 1H2zM2 3v10M5 11.5V13M8 11.5V13M6 8a1.6 1.6 0 103.2 0A1.6 1.6 0 006 8zM11.5 7v2",
  tasks: "M5.5 4H14M5.5 8H14M5.5 12H14M2 4h.01M2 8h.01M2 12h.01",
  commands: "M2 4l4 4-4 4M8 12h6",
  rules:
    "M2 5h6M12 5h2M8.5 5a1.75 1.75 0 103.5 0 1.75 1.75 0 00-3.5 0zM2 11h1.5M7.5 11H14M4 11a1.75 1.75 0 103.5 0A1.75 1.75 0 004 11z",
  usage: "M2.5 13.5v-4M6.2 13.5v-8M9.8 13.5v-6M13.5 13.5v-11",
  settings:
    "M8 5.6a2.4 2.4 0 100 4.8 2.4 2.4 0 000-4.8zM8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6L5 5M11 11l1.4 1.4M3.6 12.4L5 11M11 5l1.4-1.4",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  search: "M7 2.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.4 10.4L14 14",
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.5L6.5 12 13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  clock: "M8 2a6 6 0 100 12A6 6 0 008 2zM8 5v3.2l2 1.3",
  copy: "M5.5 5.5h8v8h-8zM3 10.5H2.5v-8h8V3",
  pause: "M6 3.5v9M10 3.5v9",
  play: "M5 3.2v9.6L12.5 8z",
  stop: "M4 4h8v8H4z",
  edit: "M3 13l.6-2.8L10.8 3 13 5.2 5.8 12.4zM9.5 4.3l2.2 2.2",
  right: "M6 3.5L10.5 8 6 12.5",
  down: "M3.5 6L8 10.5 12.5 6",
  up: "M3.5 10L8 5.5 12.5 10",
  left: "M10 3.5L5.5 8l4.5 4.5",
  warning: "M8 2.2L14.5 13.5h-13zM8 6.4v3.4M8 11.7v.1",
  download: "M8 2.5v8M4.8 7.5L8 10.7l3.2-3.2M2.5 13.5h11",
  link: "M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 014.2 4.2L11.2 8.7M9 11.5L7.5 13a3 3 0 01-4.2-4.2L4.8 7.3",
  trash: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 9h5.8l.6-9",
  undo: "M5.5 3L2.5 6l3 3M2.5 6H10a3.5 3.5 0 010 7H6",
  user: "M8 8a2.75 2.75 0 100-5.5A2.75 2.75 0 008 8zM2.8 13.8c.6-2.6 2.6-3.8 5.2-3.8s4.6 1.2 5.2 3.8",
  server: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01",
  bell: "M4 11V7.2a4 4 0 018 0V11l1 1.2H3zM6.8 14h2.4",
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): ReactElement {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" ? 2.2 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className="glyph-line"
    >
      <path d={SHAPES[name]} />
    </svg>
  );
}
