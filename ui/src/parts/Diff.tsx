/** What tells two texts apart, line by line; the sign is always printed. */
import { diffLines } from "diff";

export interface Line {
  sign: "+" | "-" | " ";
  text: string;
}

/** Lines of both texts; unchanged ones far from a change are left out. */
export function linesOf(before: string, after: string, around = 2): Line[] {
  const all: Line[] = diffLines(before, after).flatMap((part) => {
    const sign = part.added ? "+" : part.removed ? "-" : " ";
    return part.value
      .replace(/\n$/, "")
      .split("\n")
      .map((text): Line => ({ sign, text }));
  });
  return all.filter(
    (line, i) =>
      line.sign !== " " ||
      all.slice(Math.max(0, i - around), i + around + 1).some((near) => near.sign !== " "),
  );
}

export function Diff({ before, after }: { before: string; after: string }) {
  return (
    <div className="diff">
      {linesOf(before, after).map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines are their places
        <div key={i} className={{ "+": "plus", "-": "minus", " ": "" }[line.sign]}>
          {line.sign} {line.text}
        </div>
      ))}
    </div>
  );
}
