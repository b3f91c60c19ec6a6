/** Who is there, which page is open, and the frame around it. */
import { Suspense, useCallback, useEffect, useState } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { Questions } from "./parts/Dialog";
import { lazily } from "./parts/lazily";
import { Toasts } from "./parts/Toast";
import { Footer } from "./shell/Footer";
import { KeysHelp } from "./shell/KeysHelp";
import { useKeys } from "./shell/keys";
import { More } from "./shell/More";
import { PAGES } from "./shell/pages";
import { BottomBar, TopBar } from "./shell/TopBar";
import { listen } from "./store/live";
import { recognise, useRights, useSession } from "./store/session";

const GpuPage = lazily(
  () => import("./pages/gpu/GpuPage"),
  (found) => found.default,
);
const StatePage = lazily(
  () => import("./pages/state/StatePage"),
  (found) => found.default,
);
const CommandPage = lazily(
  () => import("./pages/command/CommandPage"),
  (found) => found.default,
);
const RulePage = lazily(
  () => import("./pages/rule/RulePage"),
  (found) => found.default,
);
const UsagePage = lazily(
  () => import("./pages/usage/UsagePage"),
  (found) => found.default,
);
const SettingPage = lazily(
  () => import("./pages/setting/SettingPage"),
  (found) => found.default,
);
const LoginPage = lazily(
  () => import("./pages/login/LoginPage"),
  (found) => found.default,
);
const OpenPage = lazily(
  () => import("./pages/login/OpenPage"),
  (found) => found.default,
);
const NewTask = lazily(
  () => import("./pages/state/NewTask"),
  (found) => found.NewTask,
);

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
