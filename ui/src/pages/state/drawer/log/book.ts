/**
 * The part of a log that a page holds: its lines, bounded in memory, with the numbers that they have in the file.
 *
 * It reads a source from a place on and then waits for more. Listeners are told at most once a second.
 */
import { LineCutter, plainLines } from "./lines";
import type { Source } from "./sources";

/** A log of so many bytes is read from its beginning; of a longer one the end. */
export const WHOLE_BYTES = 12 << 20;
const END_BYTES = 4 << 20;
/** So much text stays in memory; then the oldest lines go. */
const MOST_CHARS = 32 << 20;
const MOST_LINES = 250_000;
const EARLIER_BYTES = 2 << 20;
const TELL_MS = 1000;
const AGAIN_MS = 2000;

export interface Page {
  lines: readonly string[];
  /** The number of the first line; counted from the place where reading began when `isCut`. */
  first: number;
  /** Something stands before the first line that is not in memory. */
  isCut: boolean;
  /** Nothing more will come. */
  isEnded: boolean;
  /** Everything that is there has been read. */
  isCaughtUp: boolean;
  problem: string | null;
}

const EMPTY: Page = { lines: [], first: 1, isCut: false, isEnded: false, isCaughtUp: false, problem: null };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class Book {
  page: Page = EMPTY;
  private lines: string[] = [];
  private nChars = 0;
  private first = 1;
  /** The byte before which nothing is in memory. */
  private start = 0;
  /** Reading began somewhere in a line. */
  private isPartial = false;
  /** Lines went to make room; where they stood is not known by bytes, so that they are not read again. */
  private hasDropped = false;
  private readonly cutter = new LineCutter();
  private decoder = new TextDecoder();
  private state = { isEnded: false, isCaughtUp: false, problem: null as string | null };
  private told = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly abort = new AbortController();

  constructor(
    private readonly source: Source,
    private readonly tell: () => void,
  ) {}

  /** Read until the log has ended or `close` is called. */
  async run(): Promise<void> {
    const { signal } = this.abort;
    let at: number | null = null;
    while (!signal.aborted) {
      try {
        at ??= await this.begin();
        const asked = Date.now();
        const part = await this.source.read(at, this.state.isCaughtUp ? 20 : 0, signal);
        if (part.isAnew) {
          this.reset(part.start);
          at = part.start;
        }
        const isMore = part.next > at;
        if (isMore) this.take(part.content, at < part.start);
        at = part.next;
        const isCaughtUp = part.isEnded || !isMore;
        const isNew = isCaughtUp !== this.state.isCaughtUp || part.isEnded || this.state.problem !== null;
        this.state = { isEnded: part.isEnded, isCaughtUp, problem: null };
        if (isMore || isNew) this.show(isNew);
        if (part.isEnded) return;
        // A server that does not wait is not asked all the time.
        if (!isMore && Date.now() - asked < TELL_MS) await pause(TELL_MS);
      } catch (error) {
        if (signal.aborted) return;
        this.state = { ...this.state, problem: error instanceof Error ? error.message : String(error) };
        this.show(true);
        if (this.source.isFinal(error)) return;
        await pause(AGAIN_MS);
      }
    }
  }

  close(): void {
    this.abort.abort();
    if (this.timer !== null) clearTimeout(this.timer);
  }

  /** Put what stands before the first line in front of it; how many lines those are. */
  async earlier(): Promise<number> {
    if (this.start === 0) return 0;
    const from = Math.max(0, this.start - EARLIER_BYTES);
    const bytes = await this.source.span(from, this.start, this.abort.signal);
    let text = new TextDecoder().decode(bytes);
    let skipped = 0;
    if (from > 0) {
      const cut = text.indexOf("\n") + 1;
      skipped = new TextEncoder().encode(text.slice(0, cut)).length;
      text = text.slice(cut);
    }
    const more = plainLines(text);
    this.start = from + skipped;
    this.lines = [...more, ...this.lines];
    this.nChars += more.reduce((sum, line) => sum + line.length, 0);
    this.first = Math.max(1, this.first - more.length);
    this.show(true);
    return more.length;
  }

  private async begin(): Promise<number> {
    const end = await this.source.end(this.abort.signal);
    const from = end <= WHOLE_BYTES ? 0 : end - END_BYTES;
    this.reset(from);
    return from;
  }

  private reset(from: number): void {
    this.lines = [];
    this.nChars = 0;
    this.first = 1;
    this.start = from;
    this.cutter.clear();
    this.decoder = new TextDecoder();
    this.isPartial = from > 0;
    this.hasDropped = false;
  }

  private take(content: Uint8Array, hasGap: boolean): void {
    if (hasGap) this.cutter.clear();
    const more = this.cutter.take(this.decoder.decode(content, { stream: true }));
    if (this.isPartial && more.length > 0) {
      more.shift();
      this.isPartial = false;
    }
    for (const line of more) {
      this.lines.push(line);
      this.nChars += line.length;
    }
    this.bound();
  }

  private bound(): void {
    if (this.nChars <= MOST_CHARS && this.lines.length <= MOST_LINES) return;
    let n = Math.max(0, this.lines.length - MOST_LINES);
    let chars = this.lines.slice(0, n).reduce((sum, line) => sum + line.length, 0);
    while (this.nChars - chars > MOST_CHARS * 0.9 && n < this.lines.length)
      chars += this.lines[n++]?.length ?? 0;
    this.lines = this.lines.slice(n);
    this.nChars -= chars;
    this.first += n;
    this.hasDropped = true;
  }

  private show(isNow: boolean): void {
    const wait = this.told + TELL_MS - Date.now();
    if (isNow || wait <= 0) {
      if (this.timer !== null) clearTimeout(this.timer);
      this.timer = null;
      this.told = Date.now();
      const { open } = this.cutter;
      this.page = {
        lines: open === null || this.isPartial ? [...this.lines] : [...this.lines, open],
        first: this.first,
        isCut: this.start > 0 || this.hasDropped,
        ...this.state,
      };
      this.tell();
    } else this.timer ??= setTimeout(() => this.show(true), wait);
  }

  /** Whether `earlier` would find something. */
  get hasEarlier(): boolean {
    return this.start > 0 && !this.hasDropped;
  }
}
