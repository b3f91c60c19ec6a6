/** Who is there, which page is open, and the frame around it. */
import { useCallback, useEffect, useState } from "react";
import { Redirect, Route, Switch, useLocation, useSearch } from "wouter";
import { Questions } from "./parts/Dialog";
import { lazily } from "./parts/lazily";
import { Toasts } from "./parts/Toast";
import { Footer } from "./shell/Footer";
import { KeysHelp } from "./shell/KeysHelp";
import { useKeys } from "./shell/keys";
import { More } from "./shell/More";
import { PAGES } from "./shell/pages";
import { BottomBar, TopBar } from "./shell/TopBar";
import { pages } from "./start";
import { listen } from "./store/live";
import { recogniseOnce, useRights, useSession } from "./store/session";

const NewTask = lazily(
  () => import("./pages/state/NewTask"),
  (found) => found.NewTask,
);

function Pages() {
  return (
    <Switch>
      <Route path="/gpu/*?" component={pages.gpu} />
      <Route path="/state/*?" component={pages.state} />
      <Route path="/command/*?" component={pages.command} />
      <Route path="/rule/*?" component={pages.rule} />
      <Route path="/usage/*?" component={pages.usage} />
      <Route path="/setting/*?" component={pages.setting} />
      <Route path="/more" component={More} />
      <Route>
        <Redirect to="/gpu" />
      </Route>
    </Switch>
  );
}

function Console() {
  const [here, go] = useLocation();
  const { maySubmit } = useRights();
  const [isTask, setTask] = useState(false);
  const [isHelp, setHelp] = useState(false);
  const newTask = useCallback(() => setTask(true), []);
  useEffect(listen, []);
  useEffect(() => {
    const show = () => setHelp(true);
    document.addEventListener("gavelq:keys", show);
    return () => document.removeEventListener("gavelq:keys", show);
  }, []);
  const jumps = Object.fromEntries(PAGES.map((page) => [`g ${page.key}`, () => go(page.path)]));
  const hasFilter = /^\/(state|setting)/.test(here);
  useKeys({
    ...jumps,
    "?": () => setHelp(true),
    ...(maySubmit ? { n: newTask } : {}),
    ...(hasFilter ? {} : { "/": () => go("/state?focus=filter") }),
  });
  return (
    <>
      <TopBar onTask={newTask} />
      <main className="page">
        <Pages />
      </main>
      <Footer />
      <BottomBar />
      {isTask && <NewTask onClose={() => setTask(false)} />}
      {isHelp && <KeysHelp onClose={() => setHelp(false)} />}
    </>
  );
}

function Guarded() {
  const state = useSession((session) => session.state);
  const [path] = useLocation();
  const query = useSearch();
  const here = query === "" ? path : `${path}?${query}`;
  useEffect(recogniseOnce, []);
  if (state === "unknown") return null;
  if (state === "open") return <Console />;
  const next =
    here === "/" ? "" : `?next=${encodeURIComponent(here)}${state === "expired" ? "&expired=1" : ""}`;
  return <Redirect to={`/login${next}`} replace />;
}

export function App() {
  return (
    <>
      <Switch>
        <Route path="/login" component={pages.login} />
        <Route path="/open" component={pages.open} />
        <Route component={Guarded} />
      </Switch>
      <Questions />
      <Toasts />
    </>
  );
}
