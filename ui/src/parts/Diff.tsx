/** What tells two texts apart, line by line; the sign is always printed. */
import { diffLines } from "diff";

export interface Line {
  sign: "+" | "-" | " ";
  text: string;
}

/** A line and where it stands among those of both texts, from 0. */
interface Placed extends Line {
  place: number;
}

/** Lines of both texts; unchanged ones far from a change are left out. */
export function linesOf(before: string, after: string, around = 2): Placed[] {
  const all: Line[] = diffLines(before, after).flatMap((part) => {
    const sign = part.added ? "+" : part.removed ? "-" : " ";
    return part.value
      .replace(/\n$/, "")
      .split("\n")
      .map((text): Line => ({ sign, text }));
  });
  return all
    .map((line, place) => ({ ...line, place }))
    .filter(
      ({ sign, place }) =>
        sign !== " " ||
        all.slice(Math.max(0, place - around), place + around + 1).some((near) => near.sign !== " "),
    );
}

/** Lines of both texts with `…` where some are left out. */
function withGaps(lines: readonly Placed[]): (Line & { isGap?: boolean })[] {
  return lines.flatMap((line, i) => {
    const isApart = line.place !== (lines[i - 1]?.place ?? -1) + 1;
    return isApart ? [{ sign: " ", text: "…", isGap: true }, line] : [line];
  });
}

export function Diff({ before, after }: { before: string; after: string }) {
  return (
    <div className="diff">
      {withGaps(linesOf(before, after)).map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines are their places
        <div key={i} className={line.isGap ? "quiet" : { "+": "plus", "-": "minus", " ": "" }[line.sign]}>
          {line.sign} {line.text}
        </div>
      ))}
    </div>
  );
}
