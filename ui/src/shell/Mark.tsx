/** The mark. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <rect width="24" height="24" rx="6" fill="var(--fill-mine)" />
      <path
        d="M9 7l6 6M7.5 8.5l3-3M13.5 14.5l3-3M12 12l-5 5"
        stroke="#fff"
        strokeWidth={2}
        strokeLinecap="round"
        fill="none"
      />
    </svg>
  );
}
