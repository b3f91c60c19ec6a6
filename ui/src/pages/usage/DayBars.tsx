/** GPU-hours of each day, by tenant, queue or GPU, and what all cards together could give. */
import { type PointerEvent, useRef, useState } from "react";
import { useWidth } from "../../parts/useSize";
import { type Language, useLanguage, useWords } from "../../words";
import { round } from "./Figures";
import { type By, colorOf, type Day, REST } from "./usage";
import { words } from "./words";

const [LEFT, BOTTOM, TOP] = [40, 24, 18];
/** Narrow pages have lower charts. */
const [HIGH, LOW, NARROW] = [300, 210, 560];
/** So much room does the name of a day need. */
const LABEL = 38;

function sumOf(day: Day): number {
  return day.foreign + day.parts.reduce((sum, part) => sum + part.hours, 0);
}

function dayText(day: string, withMonth: boolean, language: Language): string {
  const place = language === "zh" ? "zh-CN" : "en-GB";
  const at = new Date(`${day}T12:00:00Z`);
  return at.toLocaleDateString(place, {
    day: "numeric",
    timeZone: "UTC",
    ...(withMonth ? { month: "short" } : {}),
  });
}

interface BarProps {
  day: Day;
  names: readonly string[];
  x: number;
  width: number;
  scale: (hours: number) => number;
}

function Bar({ day, names, x, width, scale }: BarProps) {
  const stack = [
    ...day.parts.map(({ name, hours }) => ({ name, hours, fill: colorOf(name, names) })),
    { name: "foreign", hours: day.foreign, fill: "url(#usage-foreign)" },
  ].filter(({ hours }) => hours > 0);
  let below = 0;
  return (
    <g>
      {stack.map(({ name, hours, fill }) => {
        const [low, high] = [scale(below), scale(below + hours)];
        below += hours;
        const height = Math.max(0.5, low - high - 1);
        return <rect key={name} x={x} y={high} width={width} height={height} rx={1} fill={fill} />;
      })}
    </g>
  );
}

/** What the colours mean; with a day, what it had. */
function Key(props: { names: readonly string[]; by: By; hasForeign: boolean; day: Day | undefined }) {
  const { names, by, hasForeign, day } = props;
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const called = (name: string) => (name === REST ? t("rest") : by === "gpu" ? t("nGpu", { n: name }) : name);
  const hours = (n: number) => day && <b>{round(n)}</b>;
  return (
    <div className="key push days-key">
      {day && <span>{t("dayHours", { day: dayText(day.day, true, language), h: round(sumOf(day)) })}</span>}
      {names.map((name) => (
        <span key={name}>
          <i className="swatch" style={{ background: colorOf(name, names) }} aria-hidden="true" />
          {called(name)} {hours(day?.parts.find((part) => part.name === name)?.hours ?? 0)}
        </span>
      ))}
      {hasForeign && (
        <span>
          <i className="swatch fill-foreign" aria-hidden="true" />
          {t("foreign")} {hours(day?.foreign ?? 0)}
        </span>
      )}
    </div>
  );
}

interface ChartProps {
  days: readonly Day[];
  names: readonly string[];
  today: string;
  nGpus: number;
  width: number;
  at: number | null;
}

function Chart({ days, names, today, nGpus, width, at }: ChartProps) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const height = width < NARROW ? LOW : HIGH;
  const all = nGpus * 24;
  const highest = Math.max(...days.map(sumOf), all, 1e-9);
  const scale = (hours: number) => height - BOTTOM - ((height - BOTTOM - TOP) * hours) / highest;
  const step = (width - LEFT) / Math.max(1, days.length);
  const every = Math.max(1, Math.ceil(LABEL / step));
  const soFar = step > 1.3 * LABEL;
  const named = (day: string, i: number) => {
    const text = dayText(day, i === 0 || Number(day.slice(8)) <= every, language);
    return day === today && soFar ? t("soFar", { day: text }) : text;
  };
  return (
    <svg
      className="days"
      width={width}
      height={height}
      role="img"
      aria-label={`${t("perDay")}: ${days.map((day) => `${day.day}: ${round(sumOf(day))}`).join(", ")}`}
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
      {at !== null && (
        <rect x={LEFT + step * at} y={TOP} width={step} height={height - BOTTOM - TOP} fill="var(--sunken)" />
      )}
      {[0, 1, 2, 3].map((i) => (
        <g key={i}>
          <path d={`M${LEFT} ${scale((i * highest) / 3)}H${width}`} stroke="var(--grid)" />
          <text x={LEFT - 8} y={scale((i * highest) / 3) + 4} textAnchor="end">
            {round((i * highest) / 3)}
          </text>
        </g>
      ))}
      <path d={`M${LEFT} ${scale(all)}H${width}`} stroke="var(--text3)" strokeDasharray="4 3" />
      <text x={width} y={scale(all) - 5} textAnchor="end">
        {t("all", { n: nGpus, h: all })}
      </text>
      {days.map((day, i) => (
        <g key={day.day}>
          <Bar day={day} names={names} x={LEFT + step * (i + 0.14)} width={step * 0.72} scale={scale} />
          {i % every === 0 && (
            <text x={LEFT + step * (i + 0.5)} y={height - 6} textAnchor="middle">
              {named(day.day, i)}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}

export function DayBars(props: {
  days: readonly Day[];
  today: string;
  by: By;
  names: readonly string[];
  nGpus: number;
}) {
  const { days, by, names } = props;
  const t = useWords(words);
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const [at, setAt] = useState<number | null>(null);
  const onMove = (event: PointerEvent) => {
    const x = event.clientX - (frame.current?.getBoundingClientRect().left ?? 0) - LEFT;
    const i = Math.floor((x * days.length) / Math.max(1, width - LEFT));
    setAt(i >= 0 && i < days.length ? i : null);
  };
  return (
    <section className="card">
      <div className="usage-head">
        <h2>{t("perDay")}</h2>
        <Key
          names={names}
          by={by}
          hasForeign={days.some((day) => day.foreign > 0)}
          day={at === null ? undefined : days[at]}
        />
      </div>
      <div className="days-frame">
        <div ref={frame} onPointerMove={onMove} onPointerLeave={() => setAt(null)}>
          {width > 0 && <Chart {...props} width={width} at={at} />}
        </div>
      </div>
    </section>
  );
}
