/** How much of something: a bar, and the same in words. */
import type { ReactNode } from "react";
import { useWords } from "../../words";
import { words } from "./words";

/** `part`: percent. */
export function Meter({ part, fill, children }: { part: number; fill: string; children: ReactNode }) {
  return (
    <span className="with-meter">
      <span className="meter">
        <span className={fill} style={{ width: `${Math.min(100, Math.max(0, part))}%` }} />
      </span>
      <span className="second">{children}</span>
    </span>
  );
}

/** What is in use of what may be; `most` null: without limit. `written`: how both are told. */
export function OfQuota(props: { used: number; most: number | null; written?: (n: number) => string }) {
  const { used, most, written = String } = props;
  const t = useWords(words);
  if (most === null) return <span className="second">{t("noQuota", { n: written(used) })}</span>;
  return (
    <Meter part={most === 0 ? 100 : (100 * used) / most} fill={used >= most ? "fill-full" : "fill-others"}>
      {t("ofQuota", { n: written(used), most: written(most) })}
    </Meter>
  );
}
