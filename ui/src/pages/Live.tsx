import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { api, the } from "../api/client";
import { useAsk, useInForce } from "../api/hooks";
import { useMay } from "../app/session";
import { lastMinute, type Traffic, useLive } from "../api/live";
import { Badge, Card, Choice, outcomeTone, Page, Score, Tiles, useScoreTone, When } from "../components/basics";
import { Histogram, Legend } from "../components/charts";
import { Decisions } from "../components/decisions";
import { Empty, Loading, Result } from "../components/states";
import { type Series, TimeChart } from "../components/TimeChart";
import { AboutText, alertPath } from "../components/watch";
import { useShortcuts } from "../app/shortcuts";
import { useWords } from "../i18n";

type Window = "1m" | "1h" | "2d" | "8d";
const lines: Record<string, string> = { good: "--good-line", info: "--info-line", warn: "--warn-line", bad: "--bad-line", neutral: "--neutral-line" };

export default function Live() {
  const { t, number, duration, percent } = useWords();
  const may = useMay();
  const [span, setSpan] = useState<Window>("1h");
  const [paused, setPaused] = useState(false);
  const { seconds, newest, lost, full } = useLive(paused);
  const { thresholds } = useInForce();
  const traffic = useQuery({
    queryKey: ["traffic", span],
    enabled: span !== "1m", // the stream has it
    queryFn: ({ signal }) => the(api.GET("/v1/traffic", { params: { query: { window: span as "1h" } }, signal })) as unknown as Promise<Traffic>,
    refetchInterval: paused ? false : span === "1h" ? 5000 : 30000,
  });
  // What was decided before the page was opened.
  const before = useAsk(["decisions", "newest"], (signal) => api.GET("/v1/decisions", { params: { query: { limit: 15 } }, signal }));
  const rows = [...newest, ...(before.data?.decisions ?? []).filter((row) => !newest.some((one) => one.seq === row.seq))].slice(0, 15);
  useShortcuts([{ keys: "p", what: t("live.pause"), run: () => setPaused(!paused) }]);
  const last = seconds.at(-1);
  const recent = seconds.slice(-10);
  const rate = recent.length === 0 ? 0 : recent.reduce((sum, one) => sum + one.per_second, 0) / recent.length;
  const stopped = (last?.by_outcome === undefined ? [] : Object.keys(last.by_outcome)).slice(1);
  const minute = useMemo(() => lastMinute(seconds), [seconds]);
  const buckets = (span === "1m" ? minute : traffic.data)?.buckets ?? [];
  const decided = buckets.reduce((sum, one) => sum + one.decisions, 0);
  const flagged = buckets.reduce((sum, one) => sum + stopped.reduce((all, outcome) => all + (one.by_outcome[outcome] ?? 0), 0), 0);
  const p99 = recent.findLast((one) => one.latency !== null)?.latency?.p99_us;
  return (
    <Page title={t("nav.live")} lead={t("live.lead")} actions={<>
      {full ? <Badge tone="warn">{t("live.full")}</Badge> : lost ? <Badge tone="bad">{t("live.lost")}</Badge> : paused ? <Badge tone="warn">{t("live.paused")}</Badge> : last !== undefined && <Badge tone="good">{t("live.on")}</Badge>}
      <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>{t("live.pause")}</button>
    </>}>
      <Tiles of={[
        { name: t("live.rate"), value: number(rate, 1), note: t("live.perSecond") },
        { name: t("live.decided", { span: t(`live.${span}`) }), value: number(decided) },
        { name: t("live.flagged"), value: decided === 0 ? "–" : percent(flagged / decided, 2), note: decided === 0 ? undefined : `${number(flagged)} / ${number(decided)}` },
        { name: t("live.p99"), value: p99 === undefined ? "–" : duration(p99 / 1e6) },
        { name: t("live.openAlerts"), value: last?.alerts_open == null ? "–" : <Link href="/alerts">{number(last.alerts_open)}</Link> },
      ]} />
      {may("GET /v1/alerts") && <Waiting paused={paused} />}
      <div className="row between">
        <h2>{t("live.volume")}</h2>
        <Choice name={t("live.window")} value={span} onChange={setSpan} options={(["1m", "1h", "2d", "8d"] as const).map((one) => [one, t(`live.${one}`)] as const)} />
      </div>
      {span === "1m" ? <Charts of={minute} thresholds={thresholds} /> : <Result of={traffic}>{(data) => <Charts of={data} thresholds={thresholds} />}</Result>}
      <Card title={t("live.newest")} bare>
        {rows.length > 0 ? <Decisions rows={rows} caption={t("live.newest")} walk={paused} /> : before.isPending ? <Loading /> : <Empty title={t("live.quiet")}>{t("live.quietHint")}</Empty>}
      </Card>
    </Page>
  );
}

/** The most urgent of what waits for a person: one click away from its reasons. */
function Waiting({ paused }: { paused: boolean }) {
  const { t, amount } = useWords();
  const asked = useAsk(["alerts", "urgent"], (signal) => api.GET("/v1/alerts", { params: { query: { state: "open", limit: 5 } as never }, signal }), { refetchInterval: paused ? false : 5000 });
  return (
    <Card title={t("live.waiting")} actions={<Link href="/alerts">{t("live.allAlerts")}</Link>} bare>
      <Result of={asked} empty={(data) => data.alerts.length === 0 && <p className="body dim">{t("alert.none")}</p>}>
        {(data) => (
          <ul className="plain list">{data.alerts.map((one) => (
            <li key={one.id} className="row between">
              <span className="row"><Score of={one.score} /><Link className="strong" href={alertPath(one.id)}><AboutText of={one} /></Link><span className="dim">{one.rules.join(", ")}</span></span>
              <span className="row">{one.amount !== null && <span className="num"><span className="dim small">{t("alert.amount")}</span> {amount(one.amount)}</span>}<span className="dim small"><When at={one.raised} ago /></span></span>
            </li>
          ))}</ul>
        )}
      </Result>
    </Card>
  );
}

function Charts({ of, thresholds }: { of: Traffic; thresholds: [string, number][] }) {
  const { t, duration } = useWords();
  const toneOf = useScoreTone();
  const times = useMemo(() => of.buckets.map((one) => Date.parse(one.time) / 1000), [of]);
  const outcomes = useMemo(() => [...new Set(of.buckets.flatMap((one) => Object.keys(one.by_outcome)))], [of]);
  const mix = useMemo<Series[]>(() => [...outcomes].reverse().map((outcome) => ({ name: outcome, colour: lines[outcomeTone(outcome)]!, values: of.buckets.map((one) => one.by_outcome[outcome] ?? 0) })), [of, outcomes]);
  const flagged = useMemo<Series[]>(() => outcomes.slice(1).reverse().map((outcome) => ({ name: outcome, colour: lines[outcomeTone(outcome)]!, values: of.buckets.map((one) => one.by_outcome[outcome] ?? 0) })), [of, outcomes]);
  const latency = useMemo<Series[]>(() => [
    { name: "p50", colour: "--info-line", values: of.buckets.map((one) => one.latency?.p50_us ?? null) },
    { name: "p99", colour: "--bad-line", values: of.buckets.map((one) => one.latency?.p99_us ?? null) },
  ], [of]);
  const scores = Array.from({ length: 20 }, (_, i) => of.buckets.reduce((sum, one) => sum + (one.scores[i] ?? 0), 0));
  const all = mix.reduce((sum, one) => sum + one.values.reduce<number>((s, v) => s + (v ?? 0), 0), 0);
  return (
    <div className="grid pair">
      <Card title={t("live.mix")}>
        <TimeChart times={times} series={mix} stacked bars caption={t("live.mixCaption", { n: all })} />
        <Legend of={outcomes.map((one) => ({ name: one, swatch: outcomeTone(one) }))} />
      </Card>
      <Card title={t("live.flagged")}>
        <TimeChart times={times} series={flagged} stacked bars caption={t("live.flagged")} />
        <Legend of={outcomes.slice(1).map((one) => ({ name: one, swatch: outcomeTone(one) }))} />
      </Card>
      <Card title={t("live.scores")}>
        <Histogram log counts={scores} labels={["0", "1000"]} height={170} marks={thresholds.map(([name, at]) => ({ at: at / 50, text: name }))}
          caption={t("live.scoresCaption", { n: scores.reduce((sum, n) => sum + n, 0), high: scores.slice(16).reduce((sum, n) => sum + n, 0) })} toneOf={(i) => toneOf(i * 50)} />
        <p className="dim small">{t("live.logScale")}</p>
      </Card>
      <Card title={t("live.latency")}>
        {of.buckets.every((one) => one.latency === null) ? <p className="dim">{t("live.noLatency")}</p> : <>
          <TimeChart times={times} series={latency} caption={t("live.latency")} format={(us) => (us === 0 ? "0" : duration(us / 1e6))} />
          <Legend of={[{ name: t("live.median"), swatch: "info" }, { name: "p99", swatch: "bad" }]} />
        </>}
      </Card>
    </div>
  );
}
