// What somebody is writing, so that the end of a session does not take it away: where the session ends under a form, the
// page goes and the sign-in comes, and after it the page is there again with the words. Leaving the page by oneself lets
// them go, and so does another person who signs in.
import { useCallback, useEffect, useState } from "react";

const kept = new Map<string, string>();
let owner = "";
let isEnding = false;

export function keepDrafts() {
  isEnding = true;
}
export function dropDrafts() {
  kept.clear();
  isEnding = false;
}
/** Whose they are from now on. */
export function ownDrafts(person: string) {
  if (owner !== person) dropDrafts();
  owner = person;
}

/** Like useState of a text, kept by address and name. */
export function useDraft(name: string, initial = ""): [string, (text: string) => void] {
  const [key] = useState(() => `${location.pathname}\n${name}`);
  const [text, setText] = useState(() => kept.get(key) ?? initial);
  useEffect(() => {
    isEnding = false; // the page is there again
    return () => {
      if (!isEnding) kept.delete(key);
    };
  }, [key]);
  const set = useCallback((now: string) => {
    kept.set(key, now);
    setText(now);
  }, [key]);
  return [text, set];
}
