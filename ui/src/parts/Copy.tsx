/** A command or text with a button that copies it. */
import { useState } from "react";
import { type Pair, useWords } from "../words";
import { Button } from "./Button";
import { complain } from "./Toast";

const words: Record<string, Pair> = {
  copy: ["Copy", "复制"],
  copied: ["Copied", "已复制"],
  refused: ["The browser does not let the page copy", "浏览器不允许复制"],
};

/** Put a text on the clipboard, also where the page is not served over TLS; whether the browser did it. */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard && window.isSecureContext) {
    const isDone = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    if (isDone) return true;
  }
  const before = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  document.body.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return isDone;
}

export function CopyButton({
  text,
  children,
  small = true,
  hint,
}: {
  text: string;
  children?: string;
  small?: boolean;
  /** Shown by the pointer: what would be copied, say. */
  hint?: string;
}) {
  const t = useWords(words);
  const [isDone, setDone] = useState(false);
  const act = async () => {
    if (!(await copyText(text))) {
      complain(t("refused"));
      return;
    }
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <Button
      icon={isDone ? "check" : "copy"}
      size={small ? "small" : "normal"}
      kind={children ? "normal" : "plain"}
      onlyIcon={!children}
      {...(hint === undefined ? {} : { title: hint })}
      onClick={() => void act()}
    >
      {isDone ? t("copied") : (children ?? t("copy"))}
    </Button>
  );
}

export function Command({ text }: { text: string }) {
  return (
    <span className="command">
      <code>{text}</code>
      <CopyButton text={text} />
    </span>
  );
}
