/** Buttons say their effect; one that would be refused is disabled and says why. */
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children"> {
  kind?: "normal" | "primary" | "danger" | "plain";
  size?: "normal" | "small";
  icon?: IconName;
  /** The text; with `onlyIcon` for readers and as the hint. */
  children: ReactNode;
  onlyIcon?: boolean;
  /** Why it cannot be pressed now. */
  refused?: string | null;
}

export function Button(props: Props) {
  const { kind = "normal", size = "normal", icon, onlyIcon, refused, children, className, ...rest } = props;
  const classes = ["button", kind, size, onlyIcon ? "icon" : "", className ?? ""].join(" ");
  const title = refused ?? rest.title ?? (onlyIcon && typeof children === "string" ? children : undefined);
  return (
    <button
      type="button"
      {...rest}
      className={classes}
      title={title}
      disabled={rest.disabled || Boolean(refused)}
    >
      {icon && <Icon name={icon} />}
      {onlyIcon ? <span className="only-read">{children}</span> : children}
    </button>
  );
}

/** A choice of a few, all of them in view. */
export function Segments<V extends string>(props: {
  label: string;
  value: V;
  options: readonly (readonly [V, ReactNode])[];
  onChange: (value: V) => void;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset draws a frame
    <div className="segments" role="group" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === props.value}
          onClick={() => props.onChange(value)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
