// Light, dark, or as the system says; kept in this browser.
import { useEffect, useState, useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
export const themes: Theme[] = ["system", "light", "dark"];

const dark = matchMedia("(prefers-color-scheme: dark)");
const watchers = new Set<() => void>();
let theme = (localStorage.getItem("assay.theme") ?? "system") as Theme;

function apply() {
  document.documentElement.dataset.theme = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
  for (const call of watchers) call();
}
dark.addEventListener("change", apply);
apply();

export function setTheme(now: Theme) {
  theme = now;
  localStorage.setItem("assay.theme", now);
  apply();
}

const watch = (call: () => void) => {
  watchers.add(call);
  return () => watchers.delete(call);
};
export const useTheme = () => useSyncExternalStore(watch, () => theme);
/** "light" or "dark", as shown: for canvases, which do not see CSS variables change. */
export const useShownTheme = () => useSyncExternalStore(watch, () => document.documentElement.dataset.theme as "light" | "dark");

export function useNarrow(px = 720) {
  const [query] = useState(() => matchMedia(`(max-width: ${px}px)`));
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const changed = () => setNarrow(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, [query]);
  return narrow;
}
