// biome-ignore-all lint/a11y/useSemanticElements: only rows in view are drawn, which no table element allows
// biome-ignore-all lint/a11y/useFocusableInteractive: the row has the focus, as in the ARIA pattern of a grid
/** The list of tasks, drawn by window: only what is in view is in the page. */
import {
  defaultRangeExtractor,
  type Range,
  useVirtualizer,
  useWindowVirtualizer,
} from "@tanstack/react-virtual";
import { type ReactNode, type RefObject, useCallback, useEffect, useImperativeHandle, useRef } from "react";
import { useNow } from "../../shell/Connection";
import { watchRows } from "../../store/live";
import { useWords } from "../../words";
import { type Line, type Mode, type Places, rowsOf } from "./rows";
import { type LineProps, TaskRow } from "./TaskRow";
import { words } from "./words";
import "./list.css";
import "./phone.css";

export interface TableHandle {
  /** Bring a line into view and give it the focus. */
  focus: (index: number) => void;
}

interface Props {
  lines: readonly Line[];
  mode: Mode;
  places: Places;
  tenant: string;
  selected: ReadonlySet<number>;
  /** The key of the line that the keys act on. */
  here: string | null;
  openedId: number | null;
  /** The page itself scrolls, not the list. */
  isPage: boolean;
  /** What can be done to the selected ones: it lies over the head. */
  bar: ReactNode;
  head: ReactNode;
  foot: ReactNode;
  frame: RefObject<HTMLDivElement | null>;
  handle: RefObject<TableHandle | null>;
  onClick: LineProps["onClick"];
  onToggle: LineProps["onToggle"];
  onEnd: (isVisible: boolean) => void;
}

const OVERSCAN = 8;

export function TaskTable(props: Props) {
  const { lines, mode, places, tenant, selected, here, openedId, isPage, head, foot, frame } = props;
  const t = useWords(words);
  const now = useNow();
  const inner = useRef<HTMLDivElement>(null);
  const wanted = useRef<number | null>(null);
  const at = lines.findIndex((line) => line.key === here);
  const common = {
    count: lines.length,
    estimateSize: useCallback((i: number) => lines[i]?.height ?? 29, [lines]),
    getItemKey: useCallback((i: number) => lines[i]?.key ?? i, [lines]),
    overscan: OVERSCAN,
    // The line with the focus stays in the page, wherever the reader scrolls to.
    rangeExtractor: useCallback(
      (range: Range) => {
        const shown = defaultRangeExtractor(range);
        return at < 0 || shown.includes(at) ? shown : [...shown, at].sort((a, b) => a - b);
      },
      [at],
    ),
  };
  const box = useVirtualizer({
    ...common,
    enabled: !isPage,
    getScrollElement: () => frame.current,
    scrollPaddingStart: 36,
  });
  const page = useWindowVirtualizer({
    ...common,
    enabled: isPage,
    scrollMargin: isPage ? (inner.current?.offsetTop ?? 0) : 0,
    scrollPaddingStart: 96,
    scrollPaddingEnd: 64,
  });
  const virtual = isPage ? page : box;
  const items = virtual.getVirtualItems();
  const margin = virtual.options.scrollMargin;
  const last = items.at(-1)?.index ?? -1;
  const isEnd = last >= lines.length - 1;
  const { onEnd } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: more lines may still leave the end in view
  useEffect(() => onEnd(isEnd), [isEnd, lines.length, onEnd]);
  const visible = useRef<number[]>([]);
  visible.current = items.flatMap((item) => {
    const line = lines[item.index];
    return line
      ? rowsOf(line)
          .slice(0, 1)
          .map((row) => row.id)
      : [];
  });
  useEffect(() => watchRows(() => visible.current), []);
  useEffect(() => {
    const line = wanted.current === null ? undefined : lines[wanted.current];
    if (line === undefined) return;
    const row = frame.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(line.key)}"]`);
    if (!row) return;
    wanted.current = null;
    row.focus({ preventScroll: true });
  });
  useImperativeHandle(props.handle, () => ({
    focus: (index) => {
      wanted.current = index;
      virtual.scrollToIndex(index, { align: "auto" });
    },
  }));
  return (
    <div ref={frame} className={`card tasks mode-${mode} ${isPage ? "" : "boxed"}`}>
      {props.bar}
      <div
        role="grid"
        aria-label={t("list", { n: lines.length })}
        aria-rowcount={lines.length + 1}
        aria-multiselectable="true"
      >
        {head}
        <div ref={inner} role="rowgroup" className="lines" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const line = lines[item.index];
            if (line === undefined) return null;
            const rows = rowsOf(line);
            const first = rows[0];
            const isRunning = first !== undefined && first.started_at !== null && first.ended_at === null;
            return (
              <TaskRow
                key={line.key}
                line={line}
                mode={mode}
                tenant={tenant}
                now={isRunning ? now : 0}
                place={first && places.get(first.id)}
                isSelected={rows.length > 0 && rows.every((row) => selected.has(row.id))}
                isHere={here === null || at < 0 ? item.index === 0 : line.key === here}
                isOpen={line.kind === "task" && line.row.id === openedId}
                index={item.index}
                top={item.start - margin}
                onClick={props.onClick}
                onToggle={props.onToggle}
              />
            );
          })}
        </div>
      </div>
      {foot}
    </div>
  );
}
