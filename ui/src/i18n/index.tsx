// Words, numbers and times in the reader's language. English is in the first load, the others come when asked for.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { en, type Key, type Messages } from "./en";

export const languages = { en: "English", id: "Bahasa Indonesia", th: "ภาษาไทย", fr: "Français" } as const;
export type Language = keyof typeof languages;

const load: Record<Language, () => Promise<Messages>> = {
  en: async () => en,
  id: async () => (await import("./id")).id,
  th: async () => (await import("./th")).th,
  fr: async () => (await import("./fr")).fr,
};

const FAR = 1e15;
const steps: [seconds: number, of: Intl.RelativeTimeFormatUnit, from?: number][] = [
  [31557600, "year", 2 * 31557600], [2629800, "month", 3 * 2629800], [86400, "day"], [3600, "hour"], [60, "minute"],
];

export function preferredLanguage(): Language {
  const kept = localStorage.getItem("assay.language");
  for (const want of [kept, ...navigator.languages])
    for (const have of Object.keys(languages) as Language[]) if (want?.toLowerCase().startsWith(have)) return have;
  return "en";
}

type Values = Record<string, string | number>;
export type Translate = (key: Key, values?: Values) => string;

export interface Words {
  language: Language;
  setLanguage: (language: Language) => void;
  t: Translate;
  number: (value: number, digits?: number) => string;
  amount: (value: number) => string;
  figure: (value: number) => string; // of a model: always three digits
  percent: (share: number, digits?: number) => string;
  date: (time: string | number | Date) => string;
  time: (time: string | number | Date) => string;
  dateTime: (time: string | number | Date) => string;
  ago: (time: string | number | Date) => string;
  duration: (seconds: number) => string;
  bytes: (count: number) => string;
  value: (value: unknown) => string;
}

function wordsOf(language: Language, messages: Messages, setLanguage: (language: Language) => void): Words {
  const locale = language === "th" ? "th-TH-u-ca-buddhist" : language === "en" ? "en-GB" : language;
  const plural = new Intl.PluralRules(language);
  const numbers = new Map<number, Intl.NumberFormat>();
  const number = (value: number, digits = 0) => {
    if (far(value)) return scientific.format(value);
    let format = numbers.get(digits);
    if (format === undefined) numbers.set(digits, (format = new Intl.NumberFormat(locale, { maximumFractionDigits: digits })));
    return format.format(value);
  };
  // Beyond what a person reads as digits: 1.2 × 10^300 has no place in a table.
  const scientific = new Intl.NumberFormat(locale, { notation: "scientific", maximumSignificantDigits: 4 });
  const far = (value: number) => Math.abs(value) >= FAR;
  const amounts = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const figures = new Intl.NumberFormat(locale, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const significant = new Intl.NumberFormat(locale, { maximumSignificantDigits: 4 });
  const dates = new Intl.DateTimeFormat(locale, { year: "numeric", month: "short", day: "numeric" });
  const times = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const both = new Intl.DateTimeFormat(locale, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  // What is no time is shown as it came: nothing that a server or an address says takes the page away.
  const shown = (format: Intl.DateTimeFormat, time: string | number | Date) => {
    const at = new Date(time);
    return Number.isNaN(at.getTime()) ? String(time) : format.format(at);
  };
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const percent = (share: number, digits = 1) =>
    new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(share);
  const unit = (value: number, of: string) =>
    new Intl.NumberFormat(locale, { style: "unit", unit: of, unitDisplay: "short", maximumFractionDigits: 1 }).format(value);
  // French sets a space before these, and no line ends there.
  const typeset = (text: string) => (language === "fr" ? text.replace(/ ([:;?!%])/g, "\u00a0$1") : text);
  const t: Translate = (key, values = {}) => {
    const message = messages[key];
    const n = values.n;
    const text =
      typeof message === "string" ? message : message[typeof n === "number" && plural.select(n) === "one" ? 0 : 1];
    return typeset(text).replace(/\{(\w+)\}/g, (hole, name: string) => {
      const value = values[name];
      return value === undefined ? hole : typeof value === "number" ? number(value, 2) : value;
    });
  };
  return {
    language, setLanguage, t, number, percent,
    amount: (value) => (far(value) ? scientific.format(value) : amounts.format(value)),
    figure: (value) => figures.format(value),
    date: (time) => shown(dates, time),
    time: (time) => shown(times, time),
    dateTime: (time) => shown(both, time),
    ago: (time) => {
      const s = (new Date(time).getTime() - Date.now()) / 1000;
      if (!Number.isFinite(s)) return "–";
      const [size, of] = steps.find(([size, , least = size]) => Math.abs(s) >= least) ?? [1, "second" as const];
      return relative.format(Math.round(s / size), of);
    },
    duration: (s) =>
      s < 0.001 ? `${number(s * 1e6)} µs` : s < 1 ? `${number(s * 1e3, s < 0.1 ? 2 : 0)} ms`
        : s < 90 ? unit(s, "second") : s < 5400 ? unit(s / 60, "minute") : s < 172800 ? unit(s / 3600, "hour") : unit(s / 86400, "day"),
    bytes: (n) => (n >= 1e9 ? unit(n / 1e9, "gigabyte") : n >= 1e6 ? unit(n / 1e6, "megabyte") : unit(n / 1e3, "kilobyte")),
    value: (value) => {
      if (value === null || value === undefined) return "–";
      if (typeof value === "boolean") return t(value ? "yes" : "no");
      if (typeof value === "number") return Math.abs(value) >= 1000 ? number(value, 2) : significant.format(value);
      return typeof value === "string" ? value : JSON.stringify(value);
    },
  };
}

const Context = createContext<Words | null>(null);

export function useWords(): Words {
  const words = useContext(Context);
  if (words === null) throw new Error("useWords outside of WordsProvider");
  return words;
}

export function WordsProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(preferredLanguage);
  const [loaded, setLoaded] = useState<{ language: Language; messages: Messages }>({ language: "en", messages: en });
  useEffect(() => {
    let wanted = true;
    localStorage.setItem("assay.language", language);
    void load[language]().then((messages) => wanted && setLoaded({ language, messages }));
    return () => void (wanted = false);
  }, [language]);
  useEffect(() => void (document.documentElement.lang = loaded.language), [loaded]);
  const words = useMemo(() => wordsOf(loaded.language, loaded.messages, setLanguage), [loaded]);
  return <Context value={words}>{children}</Context>;
}
