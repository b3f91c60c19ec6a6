/** Tasks and queues: lanes on top, one list below, the opened task beside it. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useLocation, useRoute, useSearch } from "wouter";
import { Button } from "../../parts/Button";
import { lazily } from "../../parts/lazily";
import { useMedia } from "../../parts/useSize";
import { useWords } from "../../words";
import { toggled } from "./filter";
import { QueueLanes } from "./QueueLanes";
import { RunLanes } from "./RunLanes";
import { TaskList } from "./TaskList";
import { words } from "./words";
import "./page.css";

const Drawer = lazily(
  () => import("./drawer/Drawer"),
  (found) => found.Drawer,
);

/** The URL follows what is typed after so long: browsers allow only so many changes. */
const FOLLOWS_MS = 250;

export default function StatePage() {
  const t = useWords(words);
  const [, params] = useRoute("/state/:id");
  const [, go] = useLocation();
  const search = useSearch();
  const isNarrow = useMedia("(max-width: 899px)");
  const given = useMemo(() => new URLSearchParams(search), [search]);
  const [filter, setFilter] = useState(given.get("q") ?? "");
  const openedId = params && /^\d+$/.test(params.id ?? "") ? Number(params.id) : null;
  const tab = given.get("tab") ?? "why";
  const link = useCallback((id: number | null, changes: Record<string, string | null> = {}) => {
    const after = new URLSearchParams(window.location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value) after.set(name, value);
      else after.delete(name);
    }
    const query = after.size ? `?${after}` : "";
    return `/state${id === null ? "" : `/${id}`}${query}`;
  }, []);
  const inUrl = given.get("q") ?? "";
  const [followed, setFollowed] = useState(inUrl);
  if (inUrl !== followed) {
    // Somebody came by a link, or went back.
    setFollowed(inUrl);
    setFilter(inUrl);
  }
  useEffect(() => {
    if (filter === followed) return;
    const timer = setTimeout(() => go(link(openedId, { q: filter || null }), { replace: true }), FOLLOWS_MS);
    return () => clearTimeout(timer);
  }, [filter, followed, openedId, go, link]);
  const open = useCallback(
    (id: number, isReplaced: boolean) => go(link(id), { replace: isReplaced }),
    [go, link],
  );
  const close = useCallback(() => go(link(null, { tab: null })), [go, link]);
  const toggle = useCallback((token: string) => setFilter((text) => toggled(text, token)), []);
  return (
    <div className={`state-page ${openedId === null ? "" : "with-drawer"}`}>
      <h1 className="only-read">{t("tasks")}</h1>
      <div className="state-list">
        <QueueLanes filter={filter} onFilter={toggle} most={isNarrow ? 6 : 8} />
        <RunLanes filter={filter} onFilter={toggle} />
        <TaskList
          filter={filter}
          onFilter={setFilter}
          show={given.get("show") ?? "all"}
          onShow={(show) => go(link(openedId, { show: show === "all" ? null : show }), { replace: true })}
          openedId={openedId}
          onOpen={open}
          onClose={close}
          isPage={isNarrow}
          wantsFocus={given.get("focus") === "filter"}
          onFocused={() => go(link(openedId, { focus: null }), { replace: true })}
        />
      </div>
      {openedId !== null && (
        <aside className="card state-drawer">
          <Drawer
            key={openedId}
            taskId={openedId}
            tab={tab}
            onTab={(name) => go(link(openedId, { tab: name }), { replace: true })}
            onClose={close}
            meanwhile={
              <header className="drawer-wait">
                <h2>#{openedId}</h2>
                <Button icon="close" onlyIcon kind="plain" onClick={close}>
                  {t("close")}
                </Button>
              </header>
            }
          />
        </aside>
      )}
    </div>
  );
}
