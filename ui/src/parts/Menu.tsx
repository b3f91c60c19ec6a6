/** A menu button by the ARIA pattern: arrows move, Escape closes. */
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { Button } from "./Button";
import { Icon, type IconName } from "./Icon";

const ITEMS = "[role^=menuitem]:not(:disabled)";

export interface Choice {
  text: ReactNode;
  icon?: IconName;
  act: () => void;
  refused?: string | null;
  /** One of several that exclude each other, and whether it is the chosen one. */
  isOn?: boolean;
}

export function Menu(props: {
  label: string;
  icon?: IconName;
  onlyIcon?: boolean;
  kind?: "normal" | "plain";
  size?: "normal" | "small";
  choices: readonly (Choice | null)[];
  align?: "left" | "right";
  up?: boolean;
}) {
  const { label, icon = "more", onlyIcon = true, choices, align = "right" } = props;
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    frame.current?.querySelector<HTMLElement>(ITEMS)?.focus();
    const away = (event: MouseEvent) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("mousedown", away);
    return () => document.removeEventListener("mousedown", away);
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    frame.current?.querySelector<HTMLElement>("[aria-haspopup]")?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    if (!isOpen) return;
    event.stopPropagation();
    if (event.key === "Escape") close();
    if (event.key === "Tab") setOpen(false);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const all = [...(frame.current?.querySelectorAll<HTMLElement>(ITEMS) ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[(at + step + all.length) % all.length]?.focus();
  };
  const place = { [align]: 0, ...(props.up ? { bottom: "calc(100% + 4px)" } : { top: "calc(100% + 4px)" }) };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the menu inside
    <div ref={frame} className="menu-frame" onKeyDown={onKey}>
      <Button
        icon={icon}
        onlyIcon={onlyIcon}
        kind={props.kind ?? "plain"}
        size={props.size ?? "normal"}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {label}
      </Button>
      {isOpen && (
        <div className="menu fade" role="menu" aria-label={label} style={place}>
          {choices.map((choice, i) =>
            choice === null ? null : (
              <button
                // biome-ignore lint/suspicious/noArrayIndexKey: the choices stay in their places
                key={i}
                type="button"
                {...(choice.isOn === undefined
                  ? { role: "menuitem" }
                  : { role: "menuitemradio", "aria-checked": choice.isOn })}
                disabled={Boolean(choice.refused)}
                title={choice.refused ?? undefined}
                onClick={() => {
                  close();
                  choice.act();
                }}
              >
                {choice.isOn && <Icon name="check" />}
                {choice.icon && <Icon name={choice.icon} />}
                {choice.text}
              </button>
            ),
          )}
        </div>
      )}
    </div>
  );
}
