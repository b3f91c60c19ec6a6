/** The configuration file as numbered lines, with what would change in it. Pure. */
import { diffLines } from "diff";

export interface FileLine {
  sign: "+" | "-" | " ";
  /** Of the file as it is for what goes, of the file as it would be for all else. */
  number: number;
  text: string;
}

/** All lines, those that go before those that come. */
export function fileLines(before: string, after: string): FileLine[] {
  let [old, now] = [0, 0];
  return diffLines(before, after).flatMap((part) =>
    part.value
      .replace(/\n$/, "")
      .split("\n")
      .map((text): FileLine => {
        if (part.removed) return { sign: "-", number: ++old, text };
        if (!part.added) old++;
        return { sign: part.added ? "+" : " ", number: ++now, text };
      }),
  );
}

/** Those near a change; all of them where nothing changes. */
export function near(lines: readonly FileLine[], around = 4): FileLine[] {
  const places = lines.flatMap((line, i) => (line.sign === " " ? [] : [i]));
  if (places.length === 0) return [...lines];
  return lines.filter((_, i) => places.some((place) => Math.abs(place - i) <= around));
}

/** A line of YAML in parts: its key, its value, its comment. */
export function yamlParts(text: string): [key: string, value: string, comment: string] {
  const comment = /(^|\s)#.*$/.exec(text);
  const rest = comment ? text.slice(0, comment.index) : text;
  const found = /^(\s*(?:- )?[^\s#][^:]*:)(\s.*)?$/.exec(rest);
  const told = comment ? text.slice(comment.index) : "";
  return found ? [found[1] ?? "", found[2] ?? "", told] : ["", rest, told];
}
