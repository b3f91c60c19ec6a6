/** Command files that lie on the computer in front of the browser. */
import { Problem } from "../../api/client";

/** As the daemon takes it (docs/command-files.md). */
const MOST_BYTES = 4 << 20;

/** The text of a file that somebody picks: UTF-8, or else GBK. Null: none was picked. Throws Problem where it is too long. */
export async function pickText(tooLong: string): Promise<string | null> {
  const picker = document.createElement("input");
  picker.type = "file";
  picker.accept = ".txt,.sh,.conf,text/*";
  const file = await new Promise<File | null>((resolve) => {
    picker.onchange = () => resolve(picker.files?.[0] ?? null);
    picker.oncancel = () => resolve(null);
    picker.click();
  });
  if (file === null) return null;
  if (file.size > MOST_BYTES) throw new Problem(413, "too_large", tooLong, null, "content");
  return decoded(new Uint8Array(await file.arrayBuffer()));
}

/** Plain line ends, no byte order mark. */
export function decoded(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    text = new TextDecoder("gbk").decode(bytes);
  }
  return text.replace(/\r\n?/g, "\n");
}

/** Hand a text over as a file. */
export function saveText(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = /\.\w+$/.test(name) ? name : `${name}.txt`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
