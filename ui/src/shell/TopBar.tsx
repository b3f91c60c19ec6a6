/** Mark, host, pages with counts, the cards in small, connection, new task, user. */
import { useEffect } from "react";
import { Link, useLocation } from "wouter";
import { Button } from "../parts/Button";
import { Icon } from "../parts/Icon";
import { useLive } from "../store/live";
import { useResource } from "../store/resource";
import { useRights } from "../store/session";
import { type Pair, say, useLanguage, useWords } from "../words";
import { ConnectionBadge } from "./Connection";
import { Mark } from "./Mark";
import { Miniature } from "./Miniature";
import { BELOW, PAGES, type Page } from "./pages";
import { UserMenu } from "./UserMenu";

const words: Record<string, Pair> = {
  pages: ["Pages", "页面"],
  search: ["Search tasks", "搜索任务"],
  task: ["New task", "新建任务"],
  viewer: ["Your account may only look", "您的账户只能查看"],
};

/** What the page has to do with now: tasks that have not ended, command files that run. */
function useCount(path: string): number {
  const tasks = useLive(({ counts }) =>
    counts === null ? 0 : counts.pending + counts.running + counts.starting + counts.stopping + counts.held,
  );
  const target = path === "/command" ? "/api/scheduler/running?processes=0" : null;
  const runs = useResource<{ schedulers: unknown[] }>(target, { on: ["run"] });
  if (path === "/command") return runs.data?.schedulers.length ?? 0;
  return path === "/state" ? tasks : 0;
}

function PageLink({ page, isHere }: { page: Page; isHere: boolean }) {
  const language = useLanguage((choice) => choice.language);
  const count = useCount(page.path);
  return (
    <Link href={page.path} className={isHere ? "here" : ""} aria-current={isHere ? "page" : undefined}>
      <Icon name={page.icon} />
      <span>{say(page.words, language)}</span>
      {count > 0 && <span className="chip">{count}</span>}
    </Link>
  );
}

export function TopBar({ onTask }: { onTask: () => void }) {
  const [here, go] = useLocation();
  const host = useLive((live) => live.host?.name ?? "");
  const { maySubmit } = useRights();
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const page = PAGES.find(({ path }) => here.startsWith(path));
  const title = [page && say(page.words, language), host, "gavelq"].filter(Boolean).join(" · ");
  useEffect(() => {
    document.title = title;
    return () => {
      document.title = "gavelq";
    };
  }, [title]);
  return (
    <header className="topbar">
      <Link href="/gpu" className="mark">
        <Mark />
        <b>gavelq</b>
      </Link>
      {page && <b className="place">{say(page.words, language)}</b>}
      {host && <span className="host">{host}</span>}
      <nav aria-label={t("pages")}>
        {PAGES.map((page) => (
          <PageLink key={page.path} page={page} isHere={here.startsWith(page.path)} />
        ))}
      </nav>
      <span className="push" />
      {!here.startsWith("/gpu") && <Miniature />}
      <ConnectionBadge />
      <Button
        icon="search"
        onlyIcon
        kind="plain"
        className="search"
        onClick={() => go("/state?focus=filter")}
      >
        {t("search")}
      </Button>
      <Button
        icon="plus"
        kind="primary"
        className="new"
        refused={maySubmit ? null : t("viewer")}
        onClick={onTask}
      >
        <span>{t("task")}</span>
      </Button>
      <UserMenu />
    </header>
  );
}

/** Below 600 px: five places at the lower edge. */
export function BottomBar() {
  const [here, go] = useLocation();
  const language = useLanguage((choice) => choice.language);
  const t = useWords({ more: ["More", "更多"], pages: ["Pages", "页面"] } satisfies Record<string, Pair>);
  const shown = PAGES.filter((page) => BELOW.includes(page.path));
  const isMore = !BELOW.some((path) => here.startsWith(path));
  return (
    <nav className="bottombar" aria-label={t("pages")}>
      {shown.map((page) => (
        <Link key={page.path} href={page.path} className={here.startsWith(page.path) ? "here" : ""}>
          <Icon name={page.icon} size={20} />
          {say(page.words, language)}
        </Link>
      ))}
      <button type="button" className={isMore ? "here" : ""} onClick={() => go("/more")}>
        <Icon name="more" size={20} />
        {t("more")}
      </button>
    </nav>
  );
}
