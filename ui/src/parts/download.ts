/** Files that the page makes and the browser saves, and tables in them. */

/** The browser may still be reading when the click is over. */
const KEPT_MS = 60_000;

/** Save these parts as a file; `type`: a media type such as text/csv. */
export function download(fileName: string, type: string, ...parts: BlobPart[]): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}

type Cell = string | number | null | undefined;

/** A text that a spreadsheet would take for a formula begins with an apostrophe. */
function written(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  const text = typeof cell === "string" && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows as CSV (RFC 4180); null and undefined are empty cells. */
export function csv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(written).join(",")}\r\n`).join("");
}
