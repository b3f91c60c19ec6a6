/** Tabs by the ARIA pattern: arrows move, the panel follows. */
import { type KeyboardEvent, type ReactNode, useId } from "react";

interface Props<V extends string> {
  label: string;
  value: V;
  options: readonly (readonly [V, ReactNode])[];
  onChange: (value: V) => void;
  children: ReactNode;
}

export function Tabs<V extends string>({ label, value, options, onChange, children }: Props<V>) {
  const id = useId();
  const at = options.findIndex(([option]) => option === value);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const to = step === undefined ? undefined : options[(at + step + options.length) % options.length];
    if (to === undefined) return;
    event.preventDefault();
    onChange(to[0]);
    document.getElementById(`${id}-${to[0]}`)?.focus();
  };
  return (
    <>
      <div className="tabs" role="tablist" aria-label={label} onKeyDown={move}>
        {options.map(([option, text]) => (
          <button
            key={option}
            id={`${id}-${option}`}
            type="button"
            role="tab"
            aria-selected={option === value}
            aria-controls={`${id}-panel`}
            tabIndex={option === value ? 0 : -1}
            onClick={() => onChange(option)}
          >
            {text}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`} className="tabpanel">
        {children}
      </div>
    </>
  );
}
