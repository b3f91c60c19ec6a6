/** A label, a control and what is wrong with its value. */
import { type ReactNode, useId } from "react";

export function Field(props: {
  label: ReactNode;
  hint?: ReactNode;
  problem?: string | null;
  /** The control: it gets the id, and whether its value is refused. */
  children: (control: {
    id: string;
    "aria-invalid": boolean;
    "aria-describedby": string | undefined;
  }) => ReactNode;
}) {
  const id = useId();
  const note = props.problem ?? props.hint;
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {props.label}
      </label>
      {props.children({
        id,
        "aria-invalid": Boolean(props.problem),
        "aria-describedby": note ? `${id}-note` : undefined,
      })}
      {note && (
        <span id={`${id}-note`} className={props.problem ? "problem" : "label"}>
          {note}
        </span>
      )}
    </div>
  );
}
