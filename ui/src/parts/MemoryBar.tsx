/** A card's memory: mine, others', foreign, reserved, free, in that order; the key names only what is there. */
import { type Pair, useWords } from "../words";
import { gib, wholeGib } from "../words/format";

export interface Shares {
  mine: number;
  others: number;
  foreign: number;
  reserved: number;
  total: number;
}

const words: Record<keyof Omit<Shares, "total"> | "free" | "bar", Pair> = {
  mine: ["mine", "我的"],
  others: ["others", "他人"],
  foreign: ["foreign", "外部"],
  reserved: ["reserved", "预留"],
  free: ["free", "空闲"],
  bar: ["Memory: {text}", "显存：{text}"],
};

const ORDER = ["mine", "others", "foreign", "reserved"] as const;

function parts(shares: Shares) {
  const used = ORDER.map((kind) => ({ kind, mib: shares[kind] })).filter(({ mib }) => mib > 0);
  const free = Math.max(0, shares.total - used.reduce((sum, { mib }) => sum + mib, 0));
  return { used, free };
}

export function MemoryBar({ shares, height = 10 }: { shares: Shares; height?: number }) {
  const t = useWords(words);
  const { used, free } = parts(shares);
  const text = [
    ...used.map(({ kind, mib }) => `${t(kind)} ${gib(mib)}`),
    `${t("free")} ${gib(free)} GiB`,
  ].join(", ");
  return (
    <div className="membar" role="img" aria-label={t("bar", { text })} style={{ height }}>
      {used.map(({ kind, mib }) => (
        <span
          key={kind}
          className={`fill-${kind}`}
          style={{ width: `${(100 * mib) / Math.max(1, shares.total)}%` }}
        />
      ))}
    </div>
  );
}

export function MemoryKey({ shares }: { shares: Shares }) {
  const t = useWords(words);
  const { used, free } = parts(shares);
  const inUse = shares.mine + shares.others + shares.foreign;
  return (
    <div className="key">
      {used.map(({ kind, mib }) => (
        <span key={kind}>
          <i className={`swatch fill-${kind}`} aria-hidden="true" />
          {t(kind)} <span className="live">{gib(mib)}</span>
        </span>
      ))}
      <span>
        <i className="swatch fill-free" aria-hidden="true" />
        {t("free")} <span className="live">{gib(free)}</span>
      </span>
      <span className="push">
        <span className="live">{gib(inUse)}</span> / {wholeGib(shares.total)} GiB
      </span>
    </div>
  );
}
