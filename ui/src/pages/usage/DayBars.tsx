/** GPU-hours of each day, by tenant or queue, and what all cards together could give. */
import { useWords } from "../../words";
import { round } from "./Figures";
import { type Day, REST, SERIES } from "./usage";
import { words } from "./words";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [880, 300, 40, 24, 18];

function Bar({
  day,
  x,
  width,
  scale,
}: {
  day: Day;
  x: number;
  width: number;
  scale: (hours: number) => number;
}) {
  const stack = [
    ...day.parts.map((part, i) => ({
      name: part.name,
      hours: part.hours,
      fill: `var(${SERIES[i % SERIES.length]})`,
    })),
    { name: "foreign", hours: day.foreign, fill: "url(#usage-foreign)" },
  ].filter(({ hours }) => hours > 0);
  let below = 0;
  return (
    <g>
      {stack.map(({ name, hours, fill }) => {
        const [low, high] = [scale(below), scale(below + hours)];
        below += hours;
        return (
          <rect
            key={name}
            x={x}
            y={high}
            width={width}
            height={Math.max(0.5, low - high - 1)}
            rx={1}
            fill={fill}
          />
        );
      })}
    </g>
  );
}

function Key({ names, hasForeign }: { names: readonly string[]; hasForeign: boolean }) {
  const t = useWords(words);
  return (
    <div className="key push">
      {names.map((name, i) => (
        <span key={name}>
          <i
            className="swatch"
            style={{ background: `var(${SERIES[i % SERIES.length]})` }}
            aria-hidden="true"
          />
          {name === REST ? t("rest") : name}
        </span>
      ))}
      {hasForeign && (
        <span>
          <i className="swatch fill-foreign" aria-hidden="true" />
          {t("foreign")}
        </span>
      )}
    </div>
  );
}

export function DayBars({
  days,
  names,
  nGpus,
}: {
  days: readonly Day[];
  names: readonly string[];
  nGpus: number;
}) {
  const t = useWords(words);
  const all = nGpus * 24;
  const sums = days.map((day) => day.foreign + day.parts.reduce((sum, part) => sum + part.hours, 0));
  const highest = Math.max(...sums, all, 1e-9);
  const scale = (hours: number) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * hours) / highest;
  const step = (WIDTH - LEFT) / Math.max(1, days.length);
  const every = Math.ceil(days.length / 14);
  const today = new Date().toISOString().slice(0, 10);
  const text = days.map((day, i) => `${day.day}: ${round(sums[i] ?? 0)}`).join(", ");
  const short = (day: string, i: number) => {
    const at = new Date(`${day}T12:00:00Z`);
    const month = i === 0 || at.getUTCDate() === 1 ? { month: "short" as const } : {};
    return at.toLocaleDateString("en-GB", { day: "numeric", timeZone: "UTC", ...month });
  };
  return (
    <section className="card">
      <div className="usage-head">
        <h2>{t("perDay")}</h2>
        <Key names={names} hasForeign={days.some((day) => day.foreign > 0)} />
      </div>
      <svg
        className="days"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${t("perDay")}: ${text}`}
      >
        <defs>
          <pattern
            id="usage-foreign"
            width={7}
            height={7}
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect width={7} height={7} fill="var(--foreign-bg)" />
            <rect width={4} height={7} fill="var(--fill-foreign)" />
          </pattern>
        </defs>
        {[0, 1, 2, 3].map((i) => (
          <g key={i}>
            <path d={`M${LEFT} ${scale((i * highest) / 3)}H${WIDTH}`} stroke="var(--grid)" />
            <text x={LEFT - 8} y={scale((i * highest) / 3) + 4} textAnchor="end">
              {round((i * highest) / 3)}
            </text>
          </g>
        ))}
        <path d={`M${LEFT} ${scale(all)}H${WIDTH}`} stroke="var(--text3)" strokeDasharray="4 3" />
        <text x={WIDTH} y={scale(all) - 5} textAnchor="end">
          {t("all", { n: nGpus, h: all })}
        </text>
        {days.map((day, i) => (
          <g key={day.day}>
            <Bar day={day} x={LEFT + step * (i + 0.14)} width={step * 0.72} scale={scale} />
            {i % every === 0 && (
              <text x={LEFT + step * (i + 0.5)} y={HEIGHT - 6} textAnchor="middle">
                {day.day === today && days.length < 20
                  ? t("soFar", { day: short(day.day, i) })
                  : short(day.day, i)}
              </text>
            )}
          </g>
        ))}
      </svg>
    </section>
  );
}
