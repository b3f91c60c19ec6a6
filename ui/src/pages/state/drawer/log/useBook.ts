/** A log that is read while it is looked at. */
import { useEffect, useRef, useState } from "react";
import { Book, type Page } from "./book";
import type { Source } from "./sources";

export interface Reading {
  page: Page | null;
  book: Book | null;
}

/** Another source begins anew; null reads nothing. */
export function useBook(source: Source | null): Reading {
  const [page, setPage] = useState<Page | null>(null);
  const book = useRef<Book | null>(null);
  useEffect(() => {
    setPage(null);
    if (source === null) return;
    const mine: Book = new Book(source, () => setPage(mine.page));
    book.current = mine;
    void mine.run();
    return () => {
      mine.close();
      if (book.current === mine) book.current = null;
    };
  }, [source]);
  return { page, book: book.current };
}
