// The catalogue of what models and rules see, and how recent values lie against those that the model learned from.
import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { api, type Schemas, the } from "../api/client";
import { useAsk } from "../api/hooks";
import { routes } from "../api/roles";
import { Badge, Card, Choice, Facts, Page, type Tone } from "../components/basics";
import { Histogram, Legend } from "../components/charts";
import { Empty, Result } from "../components/states";
import { useWords } from "../i18n";

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

const tones: Record<string, Tone> = { stable: "good", moving: "warn", moved: "bad", too_few: "neutral" };

export default function Features() {
  const { t } = useWords();
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
            <div className="scroll" tabIndex={0} role="group" aria-label={t("nav.features")}>
              <table>
                <thead><tr><th scope="col">{t("why.feature")}</th><th scope="col">{t("feature.expression")}</th><th scope="col">{t("feature.type")}</th><th scope="col">{t("feature.warm")}</th>
                  {drift.data && <><th scope="col">{t("feature.drift")}</th><th scope="col" className="number">{t("feature.median")}</th><th scope="col" className="number">{t("feature.nulls")}</th></>}</tr></thead>
                <tbody>{data.features.filter(matches).map((one) => <Line key={one.name} of={one} drift={drift.data ? (moved.get(one.name) ?? null) : undefined} open={open === one.name} toggle={() => setOpen(open === one.name ? null : one.name)} />)}</tbody>
              </table>
            </div>
          )}
        </Result>
      </Card>
    </Page>
  );
}

function ScoreDrift({ of }: { of: Drift }) {
  const { t, number, percent } = useWords();
  const score = of.score!;
  return (
    <Card title={t("feature.scores")} actions={score.verdict && <Badge tone={tones[score.verdict]}>{score.verdict === "too_few" ? t("feature.too_few") : t("feature.psi", { psi: number(score.psi, 3) })}</Badge>}>
      <p className="dim">{t("feature.scoresLead", { n: of.decisions })}</p>
      <div className="grid">
        <div><h3>{t("feature.training")}</h3><Histogram log counts={score.bands.map((one) => Math.round(one.training * 10000))} labels={["0", "1000"]} caption={t("feature.training")} toneOf={() => "neutral"} height={90} /></div>
        <div><h3>{t("feature.recent")}</h3><Histogram log counts={score.bands.map((one) => Math.round(one.recent * 10000))} labels={["0", "1000"]} caption={`${t("feature.recent")}: ${score.bands.map((one) => percent(one.recent)).join(", ")}`} height={90} /></div>
      </div>
    </Card>
  );
}

function Line({ of, drift, open, toggle }: { of: Schemas["Feature"]; drift: DriftFeature | null | undefined; open: boolean; toggle: () => void }) {
  const { t, value, percent, number } = useWords();
  return (
    <>
      <tr>
        <td><button type="button" className="link mono" aria-expanded={open} onClick={toggle}>{of.name}</button></td>
        <td className="wide"><code>{of.expression}</code></td>
        <td>{of.type}{of.unit && of.unit !== of.type && <div className="dim small">{of.unit}</div>}</td>
        <td className="small">{of.warm}</td>
        {drift !== undefined && (
          <>
            <td>{drift?.verdict ? <Badge tone={tones[drift.verdict]}>{t(`feature.${drift.verdict}`)} {drift.psi !== null && drift.verdict !== "too_few" && number(drift.psi, 2)}</Badge> : <span className="dim">–</span>}</td>
            <td className="number">{drift?.quantiles ? value(drift.quantiles.p50) : "–"}</td>
            <td className="number">{drift ? percent(drift.nulls.recent) : "–"}</td>
          </>
        )}
      </tr>
      {open && (
        <tr>
          <td colSpan={drift === undefined ? 4 : 7}>
            <div className="grid">
              <Facts of={[
                [t("feature.fields"), of.fields.join(", ") || "–"],
                [t("feature.windows"), of.windows.length === 0 ? "–" : of.windows.map((one) => `${one.aggregate}${one.of ? `(${one.of})` : ""} · ${one.entity}${one.over ? ` · ${one.over}` : ""}${one.delay ? ` · delay ${one.delay}` : ""}${one.approximate ? " · ≈" : ""}`).join("; ")],
                [t("feature.label"), t(of.reads_label ? "yes" : "no")],
                [t("feature.fingerprint"), <code>{of.fingerprint}</code>],
              ]} />
              {drift && <Distribution of={drift} />}
            </div>
          </td>
        </tr>
      )}
    </>
  );
}

function Distribution({ of }: { of: DriftFeature }) {
  const { t, value, percent } = useWords();
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
      <Histogram counts={of.bins.map((one) => Math.round(one.recent * 10000))} labels={[`≤ ${ends[0]}`, `> ${ends[1]}`]} height={90} caption={t("feature.recent")} />
      {of.bins.some((one) => one.training !== null) && <Histogram counts={of.bins.map((one) => Math.round((one.training ?? 0) * 10000))} labels={[`≤ ${ends[0]}`, `> ${ends[1]}`]} height={90} caption={t("feature.training")} toneOf={() => "neutral"} />}
      <Legend of={[{ name: t("feature.recent"), swatch: "info" }, { name: t("feature.training"), swatch: "" }]} />
    </div>
  );
}
