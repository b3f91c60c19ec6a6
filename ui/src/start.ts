/** What is asked for before anything is drawn: what the daemon says, who is there, and the code of this page. */
import { lazily } from "./parts/lazily";
import { listen } from "./store/live";
import { recognise, useSession } from "./store/session";

/** The pages, by their names in addresses. */
export const pages = {
  gpu: lazily(
    () => import("./pages/gpu/GpuPage"),
    (found) => found.default,
  ),
  state: lazily(
    () => import("./pages/state/StatePage"),
    (found) => found.default,
  ),
  command: lazily(
    () => import("./pages/command/CommandPage"),
    (found) => found.default,
  ),
  rule: lazily(
    () => import("./pages/rule/RulePage"),
    (found) => found.default,
  ),
  usage: lazily(
    () => import("./pages/usage/UsagePage"),
    (found) => found.default,
  ),
  setting: lazily(
    () => import("./pages/setting/SettingPage"),
    (found) => found.default,
  ),
  login: lazily(
    () => import("./pages/login/LoginPage"),
    (found) => found.default,
  ),
  open: lazily(
    () => import("./pages/login/OpenPage"),
    (found) => found.default,
  ),
};

const name = location.pathname.split("/")[2] || "gpu";

if (name !== "login" && name !== "open") {
  const stop = listen();
  void recognise().then(() => {
    if (useSession.getState().state !== "open") stop();
  });
}
if (Object.hasOwn(pages, name)) pages[name as keyof typeof pages].begin();
