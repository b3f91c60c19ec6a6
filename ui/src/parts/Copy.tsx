/** A command or text with a button that copies it. */
import { useState } from "react";
import { type Pair, useWords } from "../words";
import { Button } from "./Button";

const words: Record<string, Pair> = {
  copy: ["Copy", "复制"],
  copied: ["Copied", "已复制"],
};

/** Put a text on the clipboard; also where the page is not served over TLS. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function CopyButton({
  text,
  children,
  small = true,
}: {
  text: string;
  children?: string;
  small?: boolean;
}) {
  const t = useWords(words);
  const [isDone, setDone] = useState(false);
  const act = async () => {
    await copyText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <Button
      icon={isDone ? "check" : "copy"}
      size={small ? "small" : "normal"}
      kind={children ? "normal" : "plain"}
      onlyIcon={!children}
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
