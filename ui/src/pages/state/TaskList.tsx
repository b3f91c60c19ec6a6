/** The filter, the segments and the list below them. */
import { type MouseEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Segments } from "../../parts/Button";
import { useMedia, useWidth } from "../../parts/useSize";
import { useNow } from "../../shell/Connection";
import { useLive } from "../../store/live";
import { useRights } from "../../store/session";
import { useWords } from "../../words";
import { FilterBox } from "./FilterBox";
import { oldest, queryOf } from "./filter";
import { ListFoot } from "./ListFoot";
import type { Line, Mode } from "./rows";
import { SelectionBar } from "./SelectionBar";
import { TaskHead } from "./TaskHead";
import { type TableHandle, TaskTable } from "./TaskTable";
import { useActions } from "./useActions";
import { useFrozen, useReader } from "./useFrozen";
import { SHOWS, type Show, useKnown, useLines } from "./useLines";
import { useListKeys } from "./useListKeys";
import { useOlder } from "./useOlder";
import { usePlaces } from "./usePlaces";
import { useSelection } from "./useSelection";
import { words } from "./words";
import "./filter.css";

interface Props {
  filter: string;
  onFilter: (filter: string) => void;
  show: string;
  onShow: (show: Show) => void;
  openedId: number | null;
  /** `isReplaced`: the drawer goes on to another task, which is no step to go back to. */
  onOpen: (id: number, isReplaced: boolean) => void;
  onClose: () => void;
  isPage: boolean;
  wantsFocus: boolean;
  onFocused: () => void;
}

function useMode(width: number): Mode {
  const isSmall = useMedia("(max-width: 1099px)");
  if (width < 560) return "list";
  if (isSmall || width < 740) return "folded";
  return width < 1000 ? "normal" : "wide";
}

const isShow = (text: string): text is Show => (SHOWS as readonly string[]).includes(text);

export function TaskList(props: Props) {
  const { filter, onFilter, openedId, onOpen, onClose, isPage } = props;
  const t = useWords(words);
  const { tenant, isAdmin, maySubmit } = useRights();
  const isLoaded = useLive((live) => live.isLoaded);
  const tasks = useLive((live) => live.tasks);
  const total = useLive((live) => live.counts);
  const frame = useRef<HTMLDivElement>(null);
  const around = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const handle = useRef<TableHandle>(null);
  const mode = useMode(useWidth(around));
  const minute = Math.floor(useNow(30_000) / 60_000) * 60_000;
  const show = isShow(props.show) ? props.show : "all";
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [here, setHere] = useState<string | null>(null);
  const places = usePlaces(tasks);
  const { tokens, lines: wanted, counts } = useLines(filter, show, places, open, mode, minute);
  const turn = `${filter}|${show}|${mode}|${[...open].join()}`;
  const { lines, changes, thaw } = useFrozen(wanted, tasks, useReader(frame), turn);
  const selection = useSelection(lines);
  const actions = useActions();
  const eyes = { tenant, now: minute };
  const query = queryOf(tokens, eyes, isAdmin);
  const isEndWanted = show === "all" || show === "mine";
  const older = useOlder(
    show === "mine" && isAdmin ? { tenant, ...query } : query,
    oldest(tokens, minute),
    isLoaded && isEndWanted,
  );
  const { more, rest } = older;
  const onEnd = useCallback((isVisible: boolean) => (isVisible ? more() : rest()), [more, rest]);
  useEffect(() => {
    if (!older.isBusy && lines.length === 0) more();
  }, [older.isBusy, lines.length, more]);

  const toggleFold = useCallback((key: string) => {
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(key)) after.add(key);
      return after;
    });
  }, []);
  const enter = useCallback(
    (line: Line) => {
      setHere(line.key);
      if (line.kind === "fold") toggleFold(line.key);
      else onOpen(line.row.id, openedId !== null);
    },
    [toggleFold, onOpen, openedId],
  );
  const { toggle, extend } = selection;
  const onClick = useCallback(
    (line: Line, event: MouseEvent) => {
      setHere(line.key);
      if (event.shiftKey) extend(line);
      else if (event.ctrlKey || event.metaKey) toggle(line);
      else enter(line);
    },
    [enter, extend, toggle],
  );
  const onToggle = useCallback(
    (line: Line, event: { nativeEvent: Event }) => {
      setHere(line.key);
      const native = event.nativeEvent;
      if (native instanceof MouseEvent || "shiftKey" in native) {
        if ((native as unknown as { shiftKey: boolean }).shiftKey) return extend(line);
      }
      toggle(line);
    },
    [extend, toggle],
  );
  const move = (to: number) => {
    const i = Math.min(lines.length - 1, Math.max(0, to));
    const line = lines[i];
    if (line === undefined) return;
    setHere(line.key);
    handle.current?.focus(i);
    if (openedId !== null && line.kind === "task") onOpen(line.row.id, true);
  };
  const onKey = useListKeys(lines, here, {
    move,
    enter,
    toggle,
    extend,
    toggleFold,
    filter: () => input.current?.focus(),
    leave: () => {
      if (selection.rows.length > 0) selection.clear();
      else if (openedId !== null) onClose();
    },
  });
  const { wantsFocus, onFocused } = props;
  useEffect(() => {
    if (!wantsFocus) return;
    input.current?.focus();
    onFocused();
  }, [wantsFocus, onFocused]);

  const isPlain = filter.trim() === "";
  const sum = total === null ? 0 : Object.values(total).reduce((n, some) => n + some, 0);
  const nAll = isPlain && isAdmin ? Math.max(sum, counts.all) : counts.all;
  const segments = SHOWS.map((name) => [name, `${t(name)} ${name === "all" ? nAll : counts[name]}`] as const);
  const known = useKnown();
  const head = useMemo(
    () => (
      <TaskHead
        mode={mode}
        n={lines.length}
        nSelected={selection.rows.length}
        isAll={selection.isAll}
        changes={changes}
        onAll={selection.toggleAll}
        onThaw={thaw}
      />
    ),
    [mode, lines.length, selection.rows.length, selection.isAll, changes, selection.toggleAll, thaw],
  );
  return (
    <>
      <div className="filters">
        <FilterBox value={filter} onChange={onFilter} known={known} isShort={mode === "list"} input={input} />
        <Segments label={t("show")} value={show} options={segments} onChange={props.onShow} />
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the grid inside has the rows that answer keys */}
      <div
        ref={around}
        className="list-around"
        onKeyDown={onKey}
        onMouseDown={(event) => event.shiftKey && event.preventDefault()}
      >
        <TaskTable
          lines={lines}
          mode={mode}
          places={places}
          tenant={tenant}
          selected={selection.ids}
          here={here}
          openedId={openedId}
          isPage={isPage}
          bar={
            selection.rows.length > 0 && (
              <SelectionBar
                rows={selection.rows}
                refused={maySubmit ? null : t("viewer")}
                actions={actions}
                onClear={selection.clear}
              />
            )
          }
          head={head}
          foot={
            isLoaded && (
              <ListFoot
                isEmpty={lines.length === 0}
                isPlain={isPlain && show === "all"}
                older={isEndWanted ? older : null}
                onClear={() => {
                  onFilter("");
                  props.onShow("all");
                }}
              />
            )
          }
          frame={frame}
          handle={handle}
          onClick={onClick}
          onToggle={onToggle}
          onEnd={onEnd}
        />
      </div>
    </>
  );
}
