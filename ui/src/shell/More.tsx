/** On narrow screens: the pages that have no place in the bottom bar. */
import { Link } from "wouter";
import { Icon } from "../parts/Icon";
import { say, useLanguage } from "../words";
import { BELOW, PAGES } from "./pages";

export function More() {
  const language = useLanguage((choice) => choice.language);
  return (
    <ul className="card more">
      {PAGES.filter((page) => !BELOW.includes(page.path)).map((page) => (
        <li key={page.path}>
          <Link href={page.path} className="row">
            <Icon name={page.icon} />
            {say(page.words, language)}
          </Link>
        </li>
      ))}
    </ul>
  );
}
