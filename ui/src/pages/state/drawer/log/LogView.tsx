/** The lines of a log, drawn by window; it follows the end until the reader scrolls up. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Button } from "../../../../parts/Button";
import { useWords } from "../../../../words";
import { patternOf } from "./lines";
import { words } from "./words";

const LINE_PX = 17;

interface Props {
  label: string;
  lines: readonly string[];
  first: number;
  isWrapped: boolean;
  /** What is searched for, and the line of the present match. */
  query: string;
  at: number | null;
  isEnded: boolean;
  /** So many lines came in front of the first ones by now. */
  nEarlier: number;
  /** What stands above the first line. */
  above: ReactNode;
}

function Marked({ text, query }: { text: string; query: string }) {
  if (query === "") return text;
  const parts = text.split(new RegExp(`(${patternOf(query).source})`, "i"));
  return parts.map((part, i) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: parts are their places; every second one is a match
    i % 2 === 1 ? <mark key={i}>{part}</mark> : part,
  );
}

export function LogView({ label, lines, first, isWrapped, query, at, isEnded, nEarlier, above }: Props) {
  const t = useWords(words);
  const frame = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  const [seen, setSeen] = useState(0);
  const before = useRef(0);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => LINE_PX,
    overscan: 30,
  });
  const total = rows.getTotalSize();
  const last = first + lines.length - 1;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another way to draw has other heights
  useLayoutEffect(() => rows.measure(), [isWrapped]);
  const toEnd = useCallback(() => {
    const box = frame.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: more text, or other heights, move the end
  useLayoutEffect(() => {
    if (isFollowing) toEnd();
  }, [isFollowing, total, last, toEnd]);
  useEffect(() => {
    if (at === null) return;
    setFollowing(false);
    rows.scrollToIndex(at, { align: "center" });
  }, [at, rows]);
  // Lines that come in front must not move what is read.
  const earlier = useRef(nEarlier);
  useLayoutEffect(() => {
    const box = frame.current;
    if (box !== null) box.scrollTop += (nEarlier - earlier.current) * LINE_PX;
    earlier.current = nEarlier;
  }, [nEarlier]);
  const onScroll = () => {
    const box = frame.current;
    if (box === null) return;
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < LINE_PX;
    if (isAtEnd) setFollowing(true);
    else if (box.scrollTop < before.current - 1 && isFollowing) {
      setFollowing(false);
      setSeen(last);
    }
    before.current = box.scrollTop;
  };
  useEffect(() => {
    if (isFollowing) setSeen(last);
  }, [isFollowing, last]);
  const nNew = Math.max(0, last - seen);
  const width = `${String(last).length}ch`;
  return (
    <div className="log-frame">
      {/* biome-ignore lint/a11y/useSemanticElements: a log is no section */}
      <div
        ref={frame}
        className={`log-view ${isWrapped ? "wrapped" : ""}`}
        role="region"
        aria-label={label}
        tabIndex={0}
        onScroll={onScroll}
      >
        {above}
        <div className="log-lines" style={{ height: total }}>
          {rows.getVirtualItems().map((item) => (
            <div
              key={item.key}
              ref={isWrapped ? rows.measureElement : undefined}
              data-index={item.index}
              className={`log-line ${item.index === at ? "is-here" : ""}`}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <span className="log-number" style={{ width }}>
                {first + item.index}
              </span>
              <span className="log-text">
                <Marked text={lines[item.index] ?? ""} query={query} />
              </span>
            </div>
          ))}
        </div>
      </div>
      {!isFollowing && (
        <div className="log-jump">
          <Button icon="down" size="small" onClick={() => setFollowing(true)}>
            {nNew > 0 && !isEnded ? (nNew === 1 ? t("newLine") : t("newLines", { n: nNew })) : t("toEnd")}
          </Button>
        </div>
      )}
    </div>
  );
}
