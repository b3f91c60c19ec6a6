/** Loading the page anew when parts of it cannot be had. */
import { Problem } from "../api/client";
import { complain } from "../parts/Toast";

const LOADED = "gavelq.loaded";
/** Parts that are missing right after that are missing for another reason, which is shown. */
const ONCE_IN_MS = 60_000;
const PAUSE_MS = 1_000;

let isRenewing = false;

async function isThere(): Promise<boolean> {
  try {
    return (await fetch("/ui/", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

async function renew(): Promise<void> {
  isRenewing = true;
  // The first pause is for a page that is being left: its requests are cut, too, and by then it is gone.
  const pause = () => new Promise((done) => setTimeout(done, PAUSE_MS));
  await pause();
  // What was pressed shows nothing yet: the part that would is what is missing.
  if (!(await isThere())) complain(new Problem(0, "unreachable", "", null, null));
  while (!(await isThere())) await pause();
  sessionStorage.setItem(LOADED, String(Date.now()));
  location.reload();
}

/**
 * A page that is open since before an upgrade asks for parts whose names have changed with it: it is loaded anew,
 * as soon as the daemon answers; without it a browser would put its own page of error there.
 */
export function renewWhereOutdated(): void {
  window.addEventListener("vite:preloadError", (event) => {
    if (Date.now() - Number(sessionStorage.getItem(LOADED)) < ONCE_IN_MS) return;
    event.preventDefault();
    if (!isRenewing) void renew();
  });
}
