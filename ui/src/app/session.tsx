// Who is signed in, and what that person may ask.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef } from "react";
import { ApiError, api, type Schemas, setCsrf, the, whenForbidden, whenSignedOut } from "../api/client";
import { type Role, type Route, routes } from "../api/roles";
import { dropDrafts, keepDrafts, ownDrafts } from "./drafts";

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
export const KEY = ["session"];
const ASK_AGAIN_MS = 3000; // at most so often after a refusal

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
    const who = await the(api.GET("/v1/session"));
    setCsrf(who.csrf);
    return who;
  } catch (refused) {
    if (refused instanceof ApiError && (refused.status === 401 || refused.status === 403)) return null;
    throw refused;
  }
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  // Whoever comes back to this tab may have signed in as another in the next one, or have other roles now.
  const asked = useQuery({ queryKey: KEY, queryFn: ask, staleTime: Infinity, retry: 1, refetchOnWindowFocus: "always" });
  const who = asked.data ?? null;
  setCsrf(who?.csrf);
  const signedIn = useCallback((now: Who) => {
    setCsrf(now.csrf);
    client.setQueryData(KEY, now);
  }, [client]);
  const forget = useCallback(() => void client.setQueryData(KEY, null), [client]);
  const ended = useCallback(() => {
    keepDrafts(); // what was being written is there again after signing in
    forget();
  }, [forget]);
  // When nobody's pages are there any more, what they had asked for goes: the next person sees none of it.
  const isOut = asked.data === null;
  const person = who === null ? null : `${who.kind}:${who.id}`;
  if (person !== null) ownDrafts(person); // before a page is there that would take them
  const before = useRef(person);
  useEffect(() => {
    if (person !== null && before.current !== null && person !== before.current) {
      void client.resetQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
    }
    if (person !== null) before.current = person;
  }, [person, client]);
  useEffect(() => {
    if (isOut) client.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] && query.queryKey[0] !== "provider" });
  }, [isOut, client]);
  const signOut = useCallback(async () => {
    await the(api.DELETE("/v1/session"));
    dropDrafts();
    forget();
  }, [forget]);
  useEffect(() => whenSignedOut(ended), [ended]);
  // A refusal may be news: other roles than those that this page knows, or another person.
  const { refetch } = asked;
  useEffect(() => {
    let last = 0;
    whenForbidden(() => {
      if (Date.now() - last < ASK_AGAIN_MS) return;
      last = Date.now();
      void refetch();
    });
  }, [refetch]);
  const session = useMemo<Session>(() => {
    const roles = new Set<Role | "anyone">(who === null ? [] : [...(who.roles as Role[]), "anyone"]);
    const all = who?.kind === "local"; // nobody is asked who they are: every route is open
    return {
      who, signedIn, signOut,
      loading: asked.isPending,
      failure: asked.data === undefined && asked.error instanceof ApiError ? asked.error : null,
      may: (route) => all || (routes[route] as readonly (Role | "anyone")[]).some((role) => roles.has(role)),
      retry: () => void asked.refetch(),
    };
  }, [who, asked, signedIn, signOut]);
  return <Context value={session}>{children}</Context>;
}
