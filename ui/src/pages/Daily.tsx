// Which day was how risky, and why: the settings' rollups by day as a calendar and a table. Where the settings have none,
// the last days of the service's own decisions.
import { useMemo } from "react";
import { useSearchParams } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useInForce, useSettings } from "../api/hooks";
import type { Traffic } from "../api/live";
import { Badge, Card, Page, Select, type Tone } from "../components/basics";
import { Cards, Pager, usePages } from "../components/DataTable";
import { Legend } from "../components/charts";
import { Empty, Result } from "../components/states";
import { useQuery } from "@tanstack/react-query";
import { useWords } from "../i18n";

type Rollup = Schemas["Rollup"];
type Cells = Record<string, unknown>;

// What management reads, by the words that such columns are called by.
const wanted = {
  count: /^(tx_count|count|events|decisions)$/, average: /^avg_.*amount$|^mean_.*amount$|^avg_tx/, risky: /risky|flagged|fraud_count/,
  score: /score$/, level: /level$/, reason: /reason/, action: /action/,
} as const;
type Wanted = keyof typeof wanted;
const periodOf = (of: { columns: Rollup["columns"] }) => of.columns.find((one) => one.type === "date" || one.type === "time")?.name;
const find = (of: Rollup, what: Wanted) => of.columns.find((one) => wanted[what].test(one.name))?.name;
const worth = (of: Rollup) => (find(of, "level") ? 8 : 0) + (find(of, "score") ? 4 : 0) + (find(of, "reason") ? 2 : 0) + (find(of, "risky") ? 1 : 0);
const byDay = (of: Rollup) => of.columns.find((one) => one.name === periodOf(of))?.type === "date";

const levelTone = (level: unknown, score: unknown): Tone =>
  typeof level === "string" ? (/high|severe/i.test(level) ? "bad" : /med/i.test(level) ? "warn" : "good")
    : typeof score === "number" ? (score >= 0.8 ? "bad" : score >= 0.4 ? "warn" : "good") : "neutral";

export default function Daily() {
  const { t } = useWords();
  const settings = useSettings();
  const { hasRollups } = useInForce();
  const asked = useAsk(["rollups"], (signal) => api.GET("/v1/rollups", { signal }), { enabled: hasRollups });
  return (
    <Page title={t("nav.daily")} lead={t("daily.lead")}>
      {settings.isSuccess && !hasRollups ? <OwnDays /> : <Result of={asked}>
        {(data) => {
          const days = data.rollups.filter((one) => periodOf(one) !== undefined).sort((a, b) => Number(byDay(b)) - Number(byDay(a)) || worth(b) - worth(a) || a.name.localeCompare(b.name));
          return days.length === 0 ? <OwnDays /> : <Table all={days} />;
        }}
      </Result>}
    </Page>
  );
}

function Table({ all }: { all: Rollup[] }) {
  const { t, number } = useWords();
  const [search, setSearch] = useSearchParams();
  const chosen = all.find((one) => one.name === search.get("table")) ?? all[0]!;
  const pages = usePages(chosen.name);
  const page = useAsk(["rollup", chosen.name, pages.cursor], (signal) => api.GET("/v1/rollups/{name}", { params: { path: { name: chosen.name }, query: { sort: "-period", limit: 93, cursor: pages.cursor } }, signal }), { keep: true });
  // Counts and reasons may stand in another table of the same days.
  const other = useMemo(() => {
    const gain = (one: Rollup) => (Object.keys(wanted) as Wanted[]).filter((what) => find(one, what) && !find(chosen, what)).length;
    return byDay(chosen) ? all.filter((one) => one !== chosen && byDay(one)).sort((a, b) => gain(b) - gain(a)).find((one) => gain(one) > 0) : undefined;
  }, [all, chosen]);
  const rows = (page.data?.rows ?? []) as Cells[];
  const period = periodOf(chosen)!;
  const ends = rows.map((row) => String(row[period])).sort();
  const beside = useAsk(["rollup", other?.name, "beside", ends[0], ends.at(-1)], (signal) => api.GET("/v1/rollups/{name}", {
    params: { path: { name: other!.name }, query: { sort: "-period", limit: 100, from: asTime(ends[0]!), to: dayAfter(ends.at(-1)!) } }, signal,
  }), { enabled: other !== undefined && ends.length > 0 });
  const more = new Map(((beside.data?.rows ?? []) as Cells[]).map((row) => [String(row[periodOf(other!)!]), row]));
  const joined = rows.map((row) => ({ ...(more.get(String(row[period])) ?? {}), ...row }));
  const columns = useMemo(() => {
    const known = (Object.keys(wanted) as Wanted[]).flatMap((what) => {
      const name = find(chosen, what) ?? (other && find(other, what));
      return name ? [{ name, title: t(`daily.${what}`), what }] : [];
    });
    const rest = chosen.columns.filter((one) => one.name !== period && !known.some((other) => other.name === one.name)).map((one) => ({ name: one.name, title: one.name, what: null }));
    return [...known, ...rest];
  }, [chosen, other, period, t]);
  const level = columns.find((one) => one.what === "level")?.name;
  const score = columns.find((one) => one.what === "score")?.name;
  return (
    <>
      {all.length > 1 && <div className="row"><Select name={t("daily.table")} value={chosen.name} onChange={(table) => setSearch({ table })} options={all.map((one) => [one.name, one.name] as const)} /></div>}
      {byDay(chosen) && (level || score) && rows.length > 0 && (
        <Card title={t("daily.calendar")}><Calendar days={joined.map((row) => ({ day: String(row[period]).slice(0, 10), tone: levelTone(level && row[level], score && row[score]), level: String((level && row[level]) ?? ""), score: score ? (row[score] as number | null) : null }))} /></Card>
      )}
      <Card bare title={t("daily.rows", { n: chosen.total_rows, count: number(chosen.total_rows) })}>
        <Result of={page} empty={(data) => data.rows.length === 0 && pages.page === 1 && <Empty />}>
          {(data) => (<>
            <Cards caption={chosen.name} head={[{ title: t("daily.day"), kind: "lead" }, ...columns.map((one) => ({ title: one.title, kind: numeric(joined, one.name) ? "number" as const : one.what === "reason" || one.what === "action" ? "wide" as const : undefined }))]}
              rows={joined.map((row, i) => ({ key: `${i}`, cells: [<Period of={row[period]} />, ...columns.map((one) => one.what === "level" ? <Badge tone={levelTone(row[one.name], null)}>{String(row[one.name] ?? "–")}</Badge> : <Cell of={row[one.name]} money={one.what === "average"} share={one.what === "score"} />)] }))} />
            <footer><Pager pages={pages} next={data.next} shown={data.rows.length} /></footer>
          </>)}
        </Result>
      </Card>
    </>
  );
}

const dayAfter = (day: string) => new Date(Date.parse(`${day.slice(0, 10)}T00:00:00Z`) + 86400000).toISOString();
const asTime = (day: string) => (day.length === 10 ? `${day}T00:00:00Z` : day);
const numeric = (rows: Cells[], name: string) => rows.some((row) => typeof row[name] === "number") && rows.every((row) => typeof row[name] === "number" || row[name] == null);
function Period({ of }: { of: unknown }) {
  const { date, dateTime } = useWords();
  const text = String(of);
  return <time dateTime={text}>{text.length === 10 ? date(`${text}T12:00:00`) : dateTime(text)}</time>;
}
function Cell({ of, money, share }: { of: unknown; money: boolean; share: boolean }) {
  const { value, amount } = useWords();
  return (money || share) && typeof of === "number" ? amount(of) : value(of);
}

interface Day {
  day: string;
  tone: Tone;
  level: string;
  score: number | null;
}

/** A month a block, Monday first; the tone is never alone: each day says its level. */
function Calendar({ days }: { days: Day[] }) {
  const { t, number, language } = useWords();
  const months = new Map<string, Map<number, Day>>();
  for (const one of days) {
    const month = one.day.slice(0, 7);
    if (!months.has(month)) months.set(month, new Map());
    months.get(month)!.set(Number(one.day.slice(8, 10)), one);
  }
  const title = new Intl.DateTimeFormat(language, { month: "long", year: "numeric", timeZone: "UTC" });
  const weekday = new Intl.DateTimeFormat(language, { weekday: "short", timeZone: "UTC" });
  return (
    <>
      <div className="grid months">
        {[...months].sort().map(([month, known]) => {
          const first = new Date(`${month}-01T00:00:00Z`);
          const blank = (first.getUTCDay() + 6) % 7;
          const length = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
          return (
            <div key={month}>
              <h3>{title.format(first)}</h3>
              <ol className="calendar">
                {Array.from({ length: 7 }, (_, i) => <li key={`w${i}`} className="weekday" aria-hidden="true">{weekday.format(new Date(Date.UTC(2024, 0, 1 + i)))}</li>)}
                {Array.from({ length: blank }, (_, i) => <li key={`b${i}`} aria-hidden="true" />)}
                {Array.from({ length }, (_, i) => {
                  const one = known.get(i + 1);
                  return <li key={i} className={`day ${one?.tone ?? ""}`}><span>{i + 1}</span>{one && <small>{one.level || (one.score === null ? "–" : number(one.score, 2))}</small>}</li>;
                })}
              </ol>
            </div>
          );
        })}
      </div>
      <Legend of={(["good", "warn", "bad"] as const).map((tone) => ({ name: t(`daily.tone.${tone}`), swatch: tone }))} />
    </>
  );
}

/** Without rollups: the decisions of the last eight days, from the same figures as Live. */
function OwnDays() {
  const { t, number, percent } = useWords();
  const asked = useQuery({ queryKey: ["traffic", "8d"], queryFn: ({ signal }) => the(api.GET("/v1/traffic", { params: { query: { window: "8d" } }, signal })) as unknown as Promise<Traffic> });
  return (
    <>
      <p className="note">{t("daily.none")} <code>rollups:</code></p>
      <Card bare title={t("daily.own")}>
        <Result of={asked}>
          {(data) => {
            const days = new Map<string, { all: number; outcomes: Record<string, number>; high: number }>();
            for (const bucket of data.buckets) {
              const day = bucket.time.slice(0, 10);
              const sum = days.get(day) ?? { all: 0, outcomes: {}, high: 0 };
              sum.all += bucket.decisions;
              sum.high += bucket.scores.slice(16).reduce((a, b) => a + b, 0);
              for (const [outcome, n] of Object.entries(bucket.by_outcome)) sum.outcomes[outcome] = (sum.outcomes[outcome] ?? 0) + n;
              days.set(day, sum);
            }
            const outcomes = [...new Set(data.buckets.flatMap((one) => Object.keys(one.by_outcome)))];
            return (
              <Cards caption={t("daily.own")} head={[{ title: t("daily.day"), kind: "lead" }, ...[t("daily.count"), ...outcomes, t("daily.high"), t("daily.share")].map((title) => ({ title, kind: "number" as const }))]}
                rows={[...days].reverse().map(([day, sum]) => ({ key: day, cells: [
                  <Period of={day} />, number(sum.all), ...outcomes.map((one) => number(sum.outcomes[one] ?? 0)), number(sum.high),
                  sum.all === 0 ? "–" : percent(1 - (sum.outcomes[outcomes[0] ?? ""] ?? 0) / sum.all, 2),
                ] }))} />
            );
          }}
        </Result>
      </Card>
    </>
  );
}
