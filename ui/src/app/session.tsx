// Who is signed in, and what that person may ask.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo } from "react";
import { ApiError, api, type Schemas, setCsrf, the, whenSignedOut } from "../api/client";
import { type Role, type Route, routes } from "../api/roles";

export type Who = Schemas["Who"];

export interface Session {
  who: Who | null; // null: nobody is signed in
  failure: ApiError | null; // the server could not say
  loading: boolean;
  may: (route: Route) => boolean;
  signedIn: (who: Who) => void;
  signOut: () => Promise<void>;
  retry: () => void;
}

const Context = createContext<Session | null>(null);
const KEY = ["session"];

export function useSession(): Session {
  const session = useContext(Context);
  if (session === null) throw new Error("useSession outside of SessionProvider");
  return session;
}

export const useMay = () => useSession().may;

async function ask(): Promise<Who | null> {
  // A one-time token stands in the fragment, which is in no server's log; it leaves the address bar and the history.
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) {
    history.replaceState(null, "", location.pathname + location.search);
    try {
      return await the(api.POST("/v1/sessions", { body: { token } as never }));
    } catch (refused) {
      // A token that was used, on a page that is loaded again: the session may be there.
      if (!(refused instanceof ApiError) || refused.status === 0) throw refused;
    }
  }
  try {
    return await the(api.GET("/v1/session"));
  } catch (refused) {
    if (refused instanceof ApiError && (refused.status === 401 || refused.status === 403)) return null;
    throw refused;
  }
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const asked = useQuery({ queryKey: KEY, queryFn: ask, staleTime: Infinity, retry: 1 });
  const who = asked.data ?? null;
  setCsrf(who?.csrf);
  const signedIn = useCallback((now: Who) => {
    setCsrf(now.csrf);
    client.setQueryData(KEY, now);
  }, [client]);
  const forget = useCallback(() => void client.setQueryData(KEY, null), [client]);
  // When nobody's pages are there any more, what they had asked for goes: the next person sees none of it.
  const isOut = asked.isSuccess && who === null;
  useEffect(() => {
    if (isOut) client.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] && query.queryKey[0] !== "provider" });
  }, [isOut, client]);
  const signOut = useCallback(async () => {
    await the(api.DELETE("/v1/session"));
    forget();
  }, [forget]);
  useEffect(() => whenSignedOut(forget), [forget]);
  const session = useMemo<Session>(() => {
    const roles = new Set<Role | "anyone">(who === null ? [] : [...(who.roles as Role[]), "anyone"]);
    const all = who?.kind === "local"; // nobody is asked who they are: every route is open
    return {
      who, signedIn, signOut,
      loading: asked.isPending,
      failure: asked.error instanceof ApiError ? asked.error : null,
      may: (route) => all || (routes[route] as readonly (Role | "anyone")[]).some((role) => roles.has(role)),
      retry: () => void asked.refetch(),
    };
  }, [who, asked, signedIn, signOut]);
  return <Context value={session}>{children}</Context>;
}
