/** What lasted, in rows below the charts: in its owner's colour, and a link to it. */
import { Link } from "wouter";
import { type Pair, useWords } from "../../words";
import { type Band, inRows } from "./shapes";

const MOST_ROWS = 4;

const words = {
  more: ["{n} more stand in the same time", "同一时段另有 {n} 个"],
} satisfies Record<string, Pair>;

function place(band: Band, from: number, to: number) {
  const part = (at: number) => (100 * (Math.min(to, Math.max(from, at)) - from)) / (to - from);
  return { left: `${part(band.from)}%`, width: `max(2px, ${part(band.to) - part(band.from)}%)` };
}

export function BandRows(props: { title: string; bands: readonly Band[]; from: number; to: number }) {
  const t = useWords(words);
  const { from, to } = props;
  const inside = props.bands.filter((band) => band.to > from && band.from < to);
  const { rows, nLeft } = inRows(inside, MOST_ROWS);
  return (
    <>
      <h3 className="history-head">{props.title}</h3>
      <ul
        className="history-bands"
        style={{ height: Math.max(2, rows.length) * 22 }}
        aria-label={props.title}
      >
        {rows.flatMap((row, i) =>
          row.map((band) => {
            const style = { ...place(band, from, to), top: i * 22 };
            return (
              <li key={band.key} style={style} title={band.hint ?? band.text}>
                {band.href === undefined ? (
                  <span className={`history-band fill-${band.fill}`}>
                    <span className="cut">{band.text}</span>
                  </span>
                ) : (
                  <Link href={band.href} className={`history-band fill-${band.fill}`}>
                    <span className="cut">{band.text}</span>
                  </Link>
                )}
              </li>
            );
          }),
        )}
      </ul>
      {nLeft > 0 && <p className="label history-gutter">{t("more", { n: nLeft })}</p>}
    </>
  );
}
