/** On or off. */
export function Switch(props: {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  disabled?: boolean;
  title?: string | undefined;
  describedBy?: string | undefined;
}) {
  return (
    <button
      type="button"
      role="switch"
      className="switch"
      aria-checked={props.isOn}
      aria-label={props.label}
      aria-describedby={props.describedBy}
      disabled={props.disabled}
      title={props.title}
      onClick={() => props.onChange(!props.isOn)}
    />
  );
}
