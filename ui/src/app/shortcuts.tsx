// Keys: `g` and a letter go to a page, `/` to the search, `?` shows them all. A page adds its own while it is shown.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import { Modal } from "../components/Modal";
import { useWords } from "../i18n";

export interface Shortcut {
  keys: string; // "j", "g l", "?"
  what: string;
  run: () => void;
}

interface Registry {
  add: (shortcuts: Shortcut[]) => () => void;
  help: () => void;
}
const Context = createContext<Registry | null>(null);

export function useHelp() {
  return useContext(Context)!.help;
}

export function useShortcuts(shortcuts: Shortcut[]) {
  const registry = useContext(Context);
  const now = useRef(shortcuts);
  now.current = shortcuts;
  const names = shortcuts.map((one) => `${one.keys}\n${one.what}`).join("\f");
  useEffect(
    () => registry?.add(now.current.map((one, i) => ({ ...one, run: () => now.current[i]?.run() }))),
    [registry, names],
  );
}

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.shadowRoot !== null || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function ShortcutProvider({ children }: { children: ReactNode }) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  const groups = useRef(new Set<Shortcut[]>());
  const registry = useMemo<Registry>(() => ({
    add: (shortcuts) => {
      groups.current.add(shortcuts);
      return () => void groups.current.delete(shortcuts);
    },
    help: () => setOpen(true),
  }), []);
  useEffect(() => {
    let first = "";
    let since = 0;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      if (document.querySelector("[role=dialog],[role=alertdialog],[role=menu]") !== null) return;
      if (event.key === "?") {
        event.preventDefault();
        setOpen(true);
        return;
      }
      const keys = first !== "" && Date.now() - since < 1500 ? `${first} ${event.key}` : event.key;
      const found = [...groups.current].reverse().flat().find((one) => one.keys === keys);
      first = found === undefined && event.key === "g" ? "g" : "";
      since = Date.now();
      if (found !== undefined) {
        event.preventDefault();
        found.run();
      }
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  const all = [...groups.current].flat();
  return (
    <Context value={registry}>
      {children}
      <Modal title={t("shortcuts.title")} open={open} onClose={() => setOpen(false)}>
        <dl className="shortcuts">
          {all.map((one) => (
            <div key={one.keys}>
              <dt>{one.keys.split(" ").map((key) => <kbd key={key}>{key}</kbd>)}</dt>
              <dd>{one.what}</dd>
            </div>
          ))}
          <div><dt><kbd>?</kbd></dt><dd>{t("shortcuts.help")}</dd></div>
        </dl>
      </Modal>
    </Context>
  );
}
