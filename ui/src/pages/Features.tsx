// The catalogue of what models and rules see, and how recent values lie against those that the model learned from.
import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { api, type Schemas, the } from "../api/client";
import { useAsk } from "../api/hooks";
import { routes } from "../api/roles";
import { Badge, Card, Choice, Facts, Page, type Tone } from "../components/basics";
import { Histogram, Legend } from "../components/charts";
import { Cards } from "../components/DataTable";
import { Empty, Result } from "../components/states";
import { useWords } from "../i18n";
import { en } from "../i18n/en";

interface DriftFeature {
  name: string;
  type: string;
  psi: number | null;
  verdict: "stable" | "moving" | "moved" | "too_few" | null;
  nulls: { training: number | null; recent: number };
  quantiles: Record<"p5" | "p25" | "p50" | "p75" | "p95", number> | null;
  bins?: { up_to: number | null; training: number | null; recent: number }[]; // of numbers
  words?: { word: string; training: number | null; recent: number }[]; // of texts
}
interface Drift {
  model: string | null;
  decisions: number;
  from: string;
  to: string;
  score: { psi: number; verdict: DriftFeature["verdict"]; bands: { from: number; to: number; training: number; recent: number }[] } | null;
  features: DriftFeature[];
}

const SHARE = 10000; // bars are drawn in parts of it
const tones: Record<string, Tone> = { stable: "good", moving: "warn", moved: "bad", too_few: "neutral" };

export default function Features() {
  const { t, value, percent, amount } = useWords();
  const [wanted, setWanted] = useState("");
  const [which, setWhich] = useState<"all" | "moved">("all");
  const [open, setOpen] = useState<string | null>(null);
  const asked = useAsk(["features"], (signal) => api.GET("/v1/features", { signal }));
  const drift = useQuery({
    queryKey: ["drift"], retry: false, enabled: "GET /v1/drift" in routes,
    queryFn: ({ signal }) => the((api.GET as any)("/v1/drift", { params: { query: { decisions: 2000 } }, signal })) as Promise<Drift>,
  });
  const moved = new Map(drift.data?.features.map((one) => [one.name, one]));
  const matches = (one: Schemas["Feature"]) =>
    (one.name.includes(wanted) || one.expression.includes(wanted)) &&
    (which === "all" || ["moving", "moved"].includes(moved.get(one.name)?.verdict ?? ""));
  return (
    <Page title={t("nav.features")} lead={t("feature.lead")}>
      {drift.data?.score && <ScoreDrift of={drift.data} />}
      <div className="row between">
        <input type="search" aria-label={t("feature.find")} placeholder={t("feature.find")} value={wanted} onChange={(event) => setWanted(event.target.value)} />
        {drift.data && <Choice name={t("feature.show")} value={which} onChange={setWhich} options={[["all", t("all")], ["moved", t("feature.onlyMoved")]]} />}
      </div>
      <Card bare>
        <Result of={asked} empty={(data) => data.features.filter(matches).length === 0 && <Empty />}>
          {(data) => (
            <Cards caption={t("nav.features")} head={[
              { title: t("why.feature"), kind: "lead" }, { title: t("feature.expression"), kind: "wide" }, { title: t("feature.type") }, { title: t("feature.warm") },
              ...(drift.data ? [{ title: t("feature.drift") }, { title: t("feature.median"), kind: "number" as const }, { title: t("feature.nulls"), kind: "number" as const }] : []),
            ]} rows={data.features.filter(matches).map((one) => {
              const its = moved.get(one.name);
              const opened = open === one.name;
              return {
                key: one.name, ...(opened ? { more: <More of={one} drift={its} /> } : {}),
                cells: [
                  <button type="button" className="link mono" aria-expanded={opened} onClick={() => setOpen(opened ? null : one.name)}>{one.name}</button>,
                  <code>{one.expression}</code>, <>{one.type}{one.unit && one.unit !== one.type && <div className="dim small"><Unit of={one.unit} /></div>}</>, <Warm of={one} />,
                  ...(drift.data ? [
                    its?.verdict ? <Badge tone={tones[its.verdict]}>{t(`feature.${its.verdict}`)} {its.psi !== null && its.verdict !== "too_few" && amount(its.psi)}</Badge> : <span className="dim">–</span>,
                    its?.quantiles ? value(its.quantiles.p50) : "–", its ? percent(its.nulls.recent) : "–",
                  ] : []),
                ],
              };
            })} />
          )}
        </Result>
      </Card>
    </Page>
  );
}

function ScoreDrift({ of }: { of: Drift }) {
  const { t, number, percent } = useWords();
  const score = of.score!;
  const share = (n: number) => percent(n / SHARE, 2);
  return (
    <Card title={t("feature.scores")} actions={score.verdict && <Badge tone={tones[score.verdict]}>{score.verdict === "too_few" ? t("feature.too_few") : t("feature.psi", { psi: number(score.psi, 3) })}</Badge>}>
      <p className="dim">{t("feature.scoresLead", { n: of.decisions })} {t("live.logScale")}</p>
      <div className="grid">
        <div><h3>{t("feature.training")}</h3><Histogram log format={share} counts={score.bands.map((one) => one.training * SHARE)} labels={["0", "1000"]} caption={t("feature.training")} toneOf={() => "neutral"} height={90} /></div>
        <div><h3>{t("feature.recent")}</h3><Histogram log format={share} counts={score.bands.map((one) => one.recent * SHARE)} labels={["0", "1000"]} caption={`${t("feature.recent")}: ${score.bands.map((one) => percent(one.recent)).join(", ")}`} height={90} /></div>
      </div>
    </Card>
  );
}

/** The server names units in English: "that of amount", "events". */
function Unit({ of }: { of: string }) {
  const { t } = useWords();
  const field = /^that of (.+)$/.exec(of)?.[1];
  const key = `unit.${of}`;
  return field !== undefined ? t("unit.of", { field }) : key in en ? t(key as "unit.events") : of;
}

/** From when on a feature has all of its past. */
function Warm({ of }: { of: Schemas["Feature"] }) {
  const { t, dateTime } = useWords();
  return <span className="small">{of.warm_after === null ? t("feature.atOnce") : of.warm_since === null ? of.warm : t("feature.since", { time: dateTime(of.warm_since) })}</span>;
}

function More({ of, drift }: { of: Schemas["Feature"]; drift: DriftFeature | undefined }) {
  const { t } = useWords();
  return (
    <div className="grid">
      <Facts of={[
        [t("feature.fields"), of.fields.join(", ") || "–"],
        [t("feature.windows"), of.windows.length === 0 ? "–" : of.windows.map((one) => `${one.aggregate}${one.of ? `(${one.of})` : ""} · ${one.entity}${one.over ? ` · ${one.over}` : ""}${one.delay ? ` · delay ${one.delay}` : ""}${one.approximate ? " · ≈" : ""}`).join("; ")],
        [t("feature.label"), t(of.reads_label ? "yes" : "no")],
        [t("feature.fingerprint"), <code className="break">{of.fingerprint}</code>],
      ]} />
      {drift && <Distribution of={drift} />}
    </div>
  );
}

function Distribution({ of }: { of: DriftFeature }) {
  const { t, value, percent } = useWords();
  const share = (n: number) => percent(n / SHARE, 2);
  if (of.words !== undefined && of.words.length > 0)
    return (
      <table>
        <thead><tr><th scope="col">{t("why.value")}</th><th scope="col" className="number">{t("feature.training")}</th><th scope="col" className="number">{t("feature.recent")}</th></tr></thead>
        <tbody>{of.words.slice(0, 12).map((one) => <tr key={one.word}><td>{one.word}</td><td className="number">{one.training === null ? "–" : percent(one.training)}</td><td className="number">{percent(one.recent)}</td></tr>)}</tbody>
      </table>
    );
  if (of.bins === undefined || of.bins.length === 0) return null;
  const ends = [value(of.bins[0]!.up_to), value(of.bins.findLast((one) => one.up_to !== null)?.up_to)] as [string, string];
  return (
    <div>
      <Histogram format={share} counts={of.bins.map((one) => one.recent * SHARE)} labels={[`≤ ${ends[0]}`, `> ${ends[1]}`]} height={90} caption={t("feature.recent")} />
      {of.bins.some((one) => one.training !== null) && <Histogram format={share} counts={of.bins.map((one) => (one.training ?? 0) * SHARE)} labels={[`≤ ${ends[0]}`, `> ${ends[1]}`]} height={90} caption={t("feature.training")} toneOf={() => "neutral"} />}
      <Legend of={[{ name: t("feature.recent"), swatch: "info" }, { name: t("feature.training"), swatch: "" }]} />
    </div>
  );
}
