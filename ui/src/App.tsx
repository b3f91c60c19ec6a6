/** Who is there, which page is open, and the frame around it. */
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { Questions } from "./parts/Dialog";
import { Toasts } from "./parts/Toast";
import { Footer } from "./shell/Footer";
import { KeysHelp } from "./shell/KeysHelp";
import { useKeys } from "./shell/keys";
import { More } from "./shell/More";
import { PAGES } from "./shell/pages";
import { BottomBar, TopBar } from "./shell/TopBar";
import { listen } from "./store/live";
import { recognise, useRights, useSession } from "./store/session";

const GpuPage = lazy(() => import("./pages/gpu/GpuPage"));
const StatePage = lazy(() => import("./pages/state/StatePage"));
const CommandPage = lazy(() => import("./pages/command/CommandPage"));
const RulePage = lazy(() => import("./pages/rule/RulePage"));
const UsagePage = lazy(() => import("./pages/usage/UsagePage"));
const SettingPage = lazy(() => import("./pages/setting/SettingPage"));
const LoginPage = lazy(() => import("./pages/login/LoginPage"));
const OpenPage = lazy(() => import("./pages/login/OpenPage"));
const NewTask = lazy(() => import("./pages/state/NewTask").then((found) => ({ default: found.NewTask })));

function Pages() {
  return (
    <Switch>
      <Route path="/gpu/*?" component={GpuPage} />
      <Route path="/state/*?" component={StatePage} />
      <Route path="/command/*?" component={CommandPage} />
      <Route path="/rule/*?" component={RulePage} />
      <Route path="/usage/*?" component={UsagePage} />
      <Route path="/setting/*?" component={SettingPage} />
      <Route path="/more" component={More} />
      <Route>
        <Redirect to="/gpu" />
      </Route>
    </Switch>
  );
}

function Console() {
  const [, go] = useLocation();
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
  useKeys({ ...jumps, "?": () => setHelp(true), ...(maySubmit ? { n: newTask } : {}) });
  return (
    <>
      <TopBar onTask={newTask} />
      <main className="page">
        <Suspense fallback={null}>
          <Pages />
        </Suspense>
      </main>
      <Footer />
      <BottomBar />
      {isTask && (
        <Suspense fallback={null}>
          <NewTask onClose={() => setTask(false)} />
        </Suspense>
      )}
      {isHelp && <KeysHelp onClose={() => setHelp(false)} />}
    </>
  );
}

function Guarded() {
  const state = useSession((session) => session.state);
  const [here] = useLocation();
  useEffect(() => void recognise(), []);
  if (state === "unknown") return null;
  if (state === "open") return <Console />;
  const next =
    here === "/" ? "" : `?next=${encodeURIComponent(here)}${state === "expired" ? "&expired=1" : ""}`;
  return <Redirect to={`/login${next}`} replace />;
}

export function App() {
  return (
    <>
      <Suspense fallback={null}>
        <Switch>
          <Route path="/login" component={LoginPage} />
          <Route path="/open" component={OpenPage} />
          <Route component={Guarded} />
        </Switch>
      </Suspense>
      <Questions />
      <Toasts />
    </>
  );
}
