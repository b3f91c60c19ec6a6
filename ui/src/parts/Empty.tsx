/** Nothing here: one sentence, and the command that fills it. */
import type { ReactNode } from "react";
import { Command } from "./Copy";

export function Empty(props: { title: string; children?: ReactNode; command?: string }) {
  return (
    <div className="empty">
      <h3>{props.title}</h3>
      {props.children && <p className="second">{props.children}</p>}
      {props.command && <Command text={props.command} />}
    </div>
  );
}
