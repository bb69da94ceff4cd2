// Short words about what was done, read out by screen readers.
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { ApiError } from "../api/client";
import { describe } from "../components/states";
import { useWords } from "../i18n";

interface Toast {
  id: number;
  tone: "good" | "bad";
  text: string;
}
export interface Toasts {
  say: (text: string) => void;
  fail: (cause: unknown) => void;
}

const Context = createContext<Toasts | null>(null);
export function useToasts(): Toasts {
  const toasts = useContext(Context);
  if (toasts === null) throw new Error("useToasts outside of ToastProvider");
  return toasts;
}

let last = 0;

export function ToastProvider({ children }: { children: ReactNode }) {
  const { t } = useWords();
  const [shown, setShown] = useState<Toast[]>([]);
  const drop = useCallback((id: number) => setShown((all) => all.filter((one) => one.id !== id)), []);
  const add = useCallback((tone: Toast["tone"], text: string) => {
    const id = ++last;
    setShown((all) => [...all.slice(-3), { id, tone, text }]);
    setTimeout(() => drop(id), tone === "bad" ? 12000 : 5000);
  }, [drop]);
  const toasts = useMemo<Toasts>(() => ({
    say: (text) => add("good", text),
    fail: (cause) => add("bad", cause instanceof ApiError ? describe(cause, t) : String(cause)),
  }), [add, t]);
  return (
    <Context value={toasts}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {shown.map((one) => (
          <div key={one.id} className={`toast ${one.tone}`}>
            <span>{one.text}</span>
            <button type="button" className="quiet icon" aria-label={t("close")} onClick={() => drop(one.id)}>×</button>
          </div>
        ))}
      </div>
    </Context>
  );
}
