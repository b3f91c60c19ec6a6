/** One hour on a fixed scale of 0 to 100; gaps stay gaps. */
export function Sparkline(props: {
  values: readonly (number | null)[];
  label: string;
  width?: number;
  height?: number;
  role?: string;
}) {
  const { values, label, width = 108, height = 32, role = "accent" } = props;
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const runs: [number, number][][] = [];
  let run: [number, number][] = [];
  values.forEach((value, i) => {
    if (value === null) {
      if (run.length) runs.push(run);
      run = [];
    } else run.push([i * step, height - 1 - (Math.min(100, Math.max(0, value)) / 100) * (height - 2)]);
  });
  if (run.length) runs.push(run);
  const line = (points: [number, number][]) =>
    points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  return (
    <svg
      className={`spark role-${role}`}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
    >
      {runs.map((points) => {
        const [first, last] = [points[0], points.at(-1)];
        if (first === undefined || last === undefined) return null;
        const d = `M${line(points)}`;
        return (
          <g key={first[0]}>
            <path
              d={`${d}L${last[0].toFixed(1)} ${height}L${first[0].toFixed(1)} ${height}Z`}
              fill="var(--role-bg)"
            />
            <path d={points.length > 1 ? d : `${d}h1`} fill="none" stroke="var(--role)" strokeWidth={1.2} />
          </g>
        );
      })}
      <path d={`M0 ${height - 0.5}H${width}`} stroke="var(--line2)" strokeWidth={1} />
    </svg>
  );
}
