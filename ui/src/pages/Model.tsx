// One model: how good it is on what it had not seen, what a threshold would mean, what it was made of, who promoted it.
import { useState } from "react";
import { Link } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useChange } from "../api/hooks";
import { useMay } from "../app/session";
import { useToasts } from "../app/toasts";
import { Card, Facts, Page, Select, Tiles, When } from "../components/basics";
import { Histogram, UnitChart } from "../components/charts";
import { Cards } from "../components/DataTable";
import { Modal } from "../components/Modal";
import { type Interval, metricsOf, reliabilityOf, type Tested, thresholdsOf } from "../components/models";
import { Empty, Result } from "../components/states";
import { useWords } from "../i18n";
import { Aliases } from "./Models";

interface Lineage {
  kind: string;
  made: string;
  by: string;
  purpose: string;
  model_sha256: string;
  inputs: { name: string; type: string; expression: string }[];
  recipe: string;
  seed: number;
  sources: { name: string; file: string; sha256: string }[];
  data: { rows: number; from: string; until: string };
  frauds: number;
}
interface Step {
  at: string;
  by: string;
  action: string;
  as: string;
  model: string;
  before: string | null;
}

export default function Model({ params }: { params: Record<string, string | undefined> }) {
  const { t } = useWords();
  const may = useMay();
  const id = params.id!;
  const [promoting, setPromoting] = useState(false);
  const asked = useAsk(["model", id], (signal) => api.GET("/v1/models/{id}", { params: { path: { id } }, signal }));
  return (
    <Page title={id} lead={asked.data && <Aliases of={asked.data.aliases} />} actions={<>
      {asked.data && may("POST /v1/models/{id}:promote") && <button type="button" className="primary" onClick={() => setPromoting(true)}>{t("model.promote")}</button>}
      <Link className="button" href="/models">{t("model.back")}</Link>
    </>}>
      <Result of={asked}>
        {(data) => {
          const metrics = metricsOf(data);
          const test = metrics?.test ?? null;
          return (
            <>
              {test === null ? <Card><Empty title={t("model.untested")} /></Card> : <Figures of={test} />}
              {metrics !== null && metrics.checks.length > 0 && (
                <Card title={t("model.checks")}>
                  {metrics.checks.map((one) => <p key={one.words} className={one.warning ? "note warn" : "note"}>{one.words}</p>)}
                </Card>
              )}
              {test !== null && <Thresholds of={test} />}
              {test !== null && <Curves of={test} />}
              <Origin of={data.lineage as unknown as Lineage} split={metrics?.split?.by} />
              <History of={data.history as unknown as Step[]} />
              <Promote data={data} open={promoting} onClose={() => setPromoting(false)} />
            </>
          );
        }}
      </Result>
    </Page>
  );
}

function Figures({ of }: { of: Tested }) {
  const { t, figure } = useWords();
  const tile = (name: string, one: Interval | null | undefined) => ({ name, value: one ? figure(one.value) : "–", note: one ? `${figure(one.low)} – ${figure(one.high)}` : undefined });
  return (
    <>
      {!of.better_than_chance && <p className="note bad">{t("model.chanceWords")}</p>}
      <Tiles of={[
        tile(t("model.average_precision"), of.average_precision), tile(t("model.auc_roc"), of.auc_roc),
        tile(t("model.recall_at_1pct_fpr"), of.recall_at_1pct_fpr), tile(t("model.calibrationError"), of.calibration_error), tile(t("model.brier"), of.brier),
      ]} />
      <p className="dim small">{t("model.tested", { rows: of.rows, frauds: of.frauds, days: of.days })}</p>
    </>
  );
}

function Thresholds({ of }: { of: Tested }) {
  const { t, number, percent, amount } = useWords();
  const steps = thresholdsOf(of);
  const [i, setI] = useState(() => Math.max(0, steps.findIndex((one) => one.threshold >= 0.3)));
  const one = steps[i];
  if (one === undefined) return null;
  const cheapest = steps.reduce((best, step) => ((step.cost ?? Infinity) < (best.cost ?? Infinity) ? step : best));
  const share = (interval: Interval | null) => (interval === null ? "–" : percent(interval.value, 1));
  return (
    <Card title={t("model.threshold")}>
      <label className="field">
        <span>{t("model.thresholdAt", { p: percent(one.threshold, 0), score: Math.round(one.threshold * 1000) })}</span>
        <input type="range" min="0" max={steps.length - 1} step="1" value={i} aria-valuetext={percent(one.threshold, 0)} onChange={(event) => setI(Number(event.target.value))} />
      </label>
      <div aria-live="polite">
        <Tiles of={[
          { name: t("model.caught"), value: number(one.tp), note: t("model.ofFrauds", { n: one.tp + one.fn }) },
          { name: t("model.missed"), value: number(one.fn) },
          { name: t("model.falsePositives"), value: number(one.fp), note: t("model.ofLegit", { share: percent(one.fp / Math.max(1, one.fp + one.tn), 2) }) },
          { name: t("model.precision"), value: share(one.precision) },
          { name: t("model.alertsPerDay"), value: one.alerts_per_day === undefined ? "–" : number(one.alerts_per_day, 1) },
          { name: t("model.cost"), value: one.cost === undefined ? "–" : amount(one.cost), note: one === cheapest ? t("model.least") : undefined },
        ]} />
      </div>
      <div className="row between">
        <p className="dim small">{t("model.thresholdNote")} {t("live.logScale")}</p>
        <button type="button" onClick={() => setI(steps.indexOf(cheapest))}>{t("model.toLeast")}</button>
      </div>
      <div className="grid">
        <div><h3>{t("model.legitScores")}</h3><Histogram log counts={of.by_class.legitimate.histogram} labels={["0", "1000"]} marks={[{ at: one.threshold * 50, text: percent(one.threshold, 0) }]} caption={t("model.legitScores")} toneOf={() => "good"} /></div>
        <div><h3>{t("model.fraudScores")}</h3><Histogram log counts={of.by_class.fraud.histogram} labels={["0", "1000"]} marks={[{ at: one.threshold * 50, text: percent(one.threshold, 0) }]} caption={t("model.fraudScores")} toneOf={() => "bad"} /></div>
      </div>
      <details>
        <summary>{t("model.allThresholds")}</summary>
        <Cards caption={t("model.allThresholds")} head={[t("model.threshold"), t("model.caught"), t("model.missed"), t("model.falsePositives"), t("model.precision"), t("model.recall"), t("model.cost")].map((title) => ({ title, kind: "number" }))}
          rows={steps.map((step) => ({ key: `${step.threshold}`, cells: [
            step === one ? <strong aria-current="true">{percent(step.threshold, 0)}</strong> : percent(step.threshold, 0), number(step.tp), number(step.fn), number(step.fp), share(step.precision), share(step.recall), step.cost === undefined ? "–" : amount(step.cost),
          ] }))} />
      </details>
    </Card>
  );
}

function Curves({ of }: { of: Tested }) {
  const { t } = useWords();
  return (
    <Card title={t("model.curves")}>
      <div className="grid three">
        <div><h3>{t("model.pr")}</h3><UnitChart lines={[{ name: "", at: of.pr }]} x={t("model.recall")} y={t("model.precision")} caption={t("model.pr")} /></div>
        <div><h3>{t("model.roc")}</h3><UnitChart lines={[{ name: "", at: of.roc }]} x={t("model.fpr")} y={t("model.recall")} caption={t("model.roc")} diagonal /></div>
        <div><h3>{t("model.calibration")}</h3><UnitChart lines={[{ name: "", at: reliabilityOf(of) }]} x={t("model.predicted")} y={t("model.observed")} caption={t("model.calibration")} diagonal /></div>
      </div>
      <p className="dim small">{t("model.diagonal")}</p>
    </Card>
  );
}

function Origin({ of, split }: { of: Lineage; split?: string }) {
  const { t, number, dateTime } = useWords();
  return (
    <Card title={t("model.origin")}>
      <Facts of={[
        [t("model.kind"), of.kind], [t("model.made"), <><When at={of.made} /> · {of.by}</>], ...(of.purpose ? [[t("model.purpose"), of.purpose] as [string, string]] : []),
        [t("model.data"), t("model.dataWords", { rows: of.data.rows, frauds: of.frauds, from: dateTime(of.data.from), until: dateTime(of.data.until) })],
        ...(split ? [[t("model.split"), split] as [string, string]] : []),
        [t("model.seed"), number(of.seed)], [t("model.sha"), <code className="break">{of.model_sha256}</code>],
        ...of.sources.map((one): [string, React.ReactNode] => [one.name, <>{one.file} <code className="break dim">{one.sha256}</code></>]),
      ]} />
      <details><summary>{t("model.inputs", { n: of.inputs.length })}</summary><ul className="plain">{of.inputs.map((one) => <li key={one.name}><span className="mono strong">{one.name}</span> <code className="dim">{one.expression}</code></li>)}</ul></details>
      <details><summary>{t("model.recipe")}</summary><pre>{of.recipe}</pre></details>
    </Card>
  );
}

function History({ of }: { of: Step[] }) {
  const { t } = useWords();
  return (
    <Card title={t("model.history")}>
      {of.length === 0 ? <p className="dim">{t("none")}</p> : <ul className="timeline">{of.map((one) => <li key={one.at + one.as}><span>{one.action} · {one.as} · <span className="mono">{one.model}</span></span><span className="dim small"><When at={one.at} /> · {one.by}</span></li>)}</ul>}
    </Card>
  );
}

function Promote({ data, open, onClose }: { data: Schemas["ModelShown"]; open: boolean; onClose: () => void }) {
  const { t } = useWords();
  const may = useMay();
  const { say } = useToasts();
  const [as, setAs] = useState<"champion" | "challenger" | "shadow">("champion");
  const [reload, setReload] = useState(true);
  const promote = useChange(async () => {
    await the(api.POST("/v1/models/{id}:promote", { params: { path: { id: data.id }, query: { as } }, body: {} }));
    if (reload && may("POST /v1/settings:reload")) await the(api.POST("/v1/settings:reload", { body: {} }));
  }, { stale: [["models"], ["model", data.id], ["status"]], done: () => { say(t("model.promoted", { id: data.id, as: t(`model.as.${as}`) })); onClose(); } });
  return (
    <Modal title={t("model.promoteTitle", { id: data.id })} open={open} onClose={onClose}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); promote.mutate(undefined as never); }}>
        <Select name={t("model.role")} value={as} onChange={setAs} options={(["champion", "challenger", "shadow"] as const).map((one) => [one, t(`model.as.${one}`)] as const)} />
        <p className="dim">{t(`model.means.${as}`)}</p>
        <label className="check"><input type="checkbox" checked={reload} onChange={(event) => setReload(event.target.checked)} />{t("model.reload")}</label>
        <div className="row end"><button type="button" onClick={onClose}>{t("cancel")}</button><button className="primary" disabled={promote.isPending}>{t("model.promote")}</button></div>
      </form>
    </Modal>
  );
}
