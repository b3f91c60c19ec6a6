/** Who looks at the page, and what they may do. */
import { create } from "zustand";
import { get, post, whenExpired } from "../api/client";
import type { User } from "../api/types";

interface Session {
  state: "unknown" | "open" | "none" | "expired";
  user: User | null;
}

export const useSession = create<Session>(() => ({ state: "unknown", user: null }));

let nAsking = 0;

/** Ask who we are; a session that is over leads to the login page. */
export async function recognise(): Promise<void> {
  nAsking += 1;
  try {
    useSession.setState({ state: "open", user: await get<User>("/api/user") });
  } catch {
    if (useSession.getState().state === "unknown") useSession.setState({ state: "none", user: null });
  } finally {
    nAsking -= 1;
  }
}

/** The same where that is not known, and not being asked. */
export function recogniseOnce(): void {
  if (nAsking === 0 && useSession.getState().state !== "open") void recognise();
}

export async function logOut(): Promise<void> {
  await post("/api/logout");
  useSession.setState({ state: "none", user: null });
}

whenExpired(() => {
  const { state, user } = useSession.getState();
  if (state === "open") useSession.setState({ state: "expired", user });
  else if (state === "unknown") useSession.setState({ state: "none", user: null });
});

/** What the user may do; buttons that would be refused are left out or say why. */
export function useRights(): { isAdmin: boolean; maySubmit: boolean; tenant: string } {
  const user = useSession((session) => session.user);
  const scopes: readonly string[] = user?.scopes ?? [];
  return {
    isAdmin: user?.is_admin ?? false,
    maySubmit: scopes.includes("submit") || (user?.is_admin ?? false),
    tenant: user?.tenant ?? "",
  };
}
