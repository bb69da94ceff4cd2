import type { ColumnDef } from "@tanstack/react-table";
import { useQueries } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk } from "../api/hooks";
import { useMay } from "../app/session";
import { Badge, Card, Page, When } from "../components/basics";
import { Legend, UnitChart } from "../components/charts";
import { DataTable } from "../components/DataTable";
import { type Interval, type Metrics, metricsOf, reliabilityOf, thresholdsOf } from "../components/models";
import { Empty, Failed, Loading, Result } from "../components/states";
import { useWords } from "../i18n";

type Model = Schemas["Model"];
export const modelPath = (id: string) => `/models/${encodeURIComponent(id)}`;
const MOST = 4; // side by side

export const Aliases = ({ of }: { of: readonly string[] }) => {
  const { t } = useWords();
  return <span className="chips">{of.map((one) => <Badge key={one} tone={one === "champion" ? "good" : one === "challenger" ? "info" : "warn"}>{t(`model.as.${one}` as never)}</Badge>)}</span>;
};

export default function Models() {
  const { t, figure } = useWords();
  const may = useMay();
  const [, go] = useLocation();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const asked = useAsk(["models"], (signal) => api.GET("/v1/models", { signal }));
  const columns = useMemo<ColumnDef<Model>[]>(() => [
    { id: "id", header: t("model.version"), cell: ({ row }) => <Link className="mono" href={modelPath(row.original.id)}>{row.original.id}</Link>, meta: { nowrap: true } },
    { id: "as", header: t("model.role"), cell: ({ row }) => row.original.aliases.length === 0 ? <span className="dim">–</span> : <Aliases of={row.original.aliases} /> },
    { id: "kind", header: t("model.kind"), cell: ({ row }) => row.original.kind },
    { id: "ap", header: t("model.ap"), cell: ({ row }) => row.original.average_precision === null ? "–" : figure(row.original.average_precision), meta: { number: true } },
    { id: "auc", header: t("model.auc"), cell: ({ row }) => row.original.auc_roc === null ? "–" : figure(row.original.auc_roc), meta: { number: true } },
    { id: "sound", header: t("model.verdict"), cell: ({ row: { original: one } }) => !one.tested ? <Badge>{t("model.untested")}</Badge> : one.better_than_chance ? <Badge tone="good">{t("model.better")}</Badge> : <Badge tone="bad">{t("model.chance")}</Badge> },
    { id: "made", header: t("model.made"), cell: ({ row }) => <When at={row.original.made} />, meta: { nowrap: true } },
  ], [t, figure]);
  return (
    <Page title={t("nav.models")} lead={t("model.lead")} actions={may("POST /v1/models:train") && <Link className="button" href="/train">{t("model.trainNew")}</Link>}>
      <Card bare title={chosen.size > 0 ? t("model.chosen", { n: chosen.size }) : undefined} actions={chosen.size > 0 && <button type="button" onClick={() => setChosen(new Set())}>{t("model.none")}</button>}>
        <Result of={asked} empty={(data) => data.models.length === 0 && <Empty title={t("model.noModels")}>{t("model.noModelsHint")}</Empty>}>
          {(data) => <DataTable columns={columns} rows={[...data.models].sort((a, b) => (a.made < b.made ? 1 : -1))} caption={t("nav.models")} idOf={(one) => one.id}
            onOpen={(one) => go(modelPath(one.id))} selected={chosen} onSelect={(now) => setChosen(new Set([...now].slice(-MOST)))} walk />}
        </Result>
      </Card>
      {chosen.size > 0 ? <Compare ids={[...chosen]} /> : <p className="dim small">{t("model.compareHint", { n: MOST })}</p>}
    </Page>
  );
}

function Compare({ ids }: { ids: string[] }) {
  const { t, figure, percent, amount } = useWords();
  const all = useQueries({ queries: ids.map((id) => ({ queryKey: ["model", id], queryFn: () => the(api.GET("/v1/models/{id}", { params: { path: { id } } })), staleTime: 300_000 })) });
  const [at, setAt] = useState(0.3);
  const failed = all.find((one) => one.isError);
  if (failed) return <Failed error={failed.error} />;
  if (all.some((one) => one.isPending)) return <Loading />;
  const metrics = all.map((one) => metricsOf(one.data!) as Metrics);
  const tests = metrics.map((one) => one?.test ?? null);
  const interval = (one: Interval | null | undefined): ReactNode => one ? <>{figure(one.value)} <span className="dim small">{figure(one.low)} – {figure(one.high)}</span></> : "–";
  const lowest = (one: Interval | null | undefined, other: Interval | null | undefined) => one != null && other != null && one.low > other.high;
  const figures = (["average_precision", "auc_roc", "recall_at_1pct_fpr"] as const).map((key) => ({ key, values: tests.map((one) => one?.[key]) }));
  const same = new Set(tests.map((one) => `${one?.rows}/${one?.frauds}`)).size === 1;
  const measured = tests.map((test) => (test ? thresholdsOf(test).reduce((best, one) => (Math.abs(one.threshold - at) < Math.abs(best.threshold - at) ? one : best)) : null));
  const lines = (curve: "pr" | "roc") => tests.flatMap((test, i) => (test ? [{ name: ids[i]!, at: test[curve] }] : []));
  const calibrations = tests.flatMap((test, i) => (test ? [{ name: ids[i]!, at: reliabilityOf(test) }] : []));
  return (
    <Card title={t("model.compare")} bare>
      {!same && <p className="note warn">{t("model.notSame")}</p>}
      <div className="scroll" tabIndex={0} role="group" aria-label={t("model.compare")}>
        <table>
          <thead><tr><th scope="col" />{ids.map((id) => <th key={id} scope="col" className="mono">{id}</th>)}</tr></thead>
          <tbody>
            {figures.map(({ key, values }) => (
              <tr key={key}><th scope="row">{t(`model.${key}` as never)}</th>
                {values.map((one, i) => <td key={i}>{interval(one)} {same && ids.length > 1 && values.every((other, j) => i === j || lowest(one, other)) && <Badge tone="good">{t("model.best")}</Badge>}</td>)}</tr>
            ))}
            <tr><th scope="row">{t("model.calibrationError")}</th>{tests.map((one, i) => <td key={i}>{interval(one?.calibration_error)}</td>)}</tr>
            <tr><th scope="row">{t("model.testRows")}</th>{tests.map((one, i) => <td key={i}>{one ? t("model.rowsFrauds", { rows: one.rows, frauds: one.frauds }) : "–"}</td>)}</tr>
            <tr>
              <th scope="row"><label>{t("model.at", { p: percent(at, 0) })}<br /><input type="range" min="0.01" max="0.9" step="0.01" value={at} onChange={(event) => setAt(Number(event.target.value))} /></label></th>
              {measured.map((one, i) => <td key={i}>{one === null ? "–" : <>{t("model.found", { n: one.tp, all: one.tp + one.fn })}<br />{t("model.falseAlerts", { n: one.fp })}<br />{one.cost !== undefined && t("model.costs", { cost: amount(one.cost) })}<br /><span className="dim small">{t("model.measuredAt", { p: percent(one.threshold, 0) })}</span></>}</td>)}
            </tr>
          </tbody>
        </table>
      </div>
      <div className="body">
        <div className="grid three">
          <div><h3>{t("model.pr")}</h3><UnitChart lines={lines("pr")} x={t("model.recall")} y={t("model.precision")} caption={t("model.pr")} /></div>
          <div><h3>{t("model.roc")}</h3><UnitChart lines={lines("roc")} x={t("model.fpr")} y={t("model.recall")} caption={t("model.roc")} diagonal /></div>
          <div><h3>{t("model.calibration")}</h3><UnitChart lines={calibrations} x={t("model.predicted")} y={t("model.observed")} caption={t("model.calibration")} diagonal /></div>
        </div>
        <Legend of={ids.map((id, i) => ({ name: id, swatch: `s${i}` }))} />
        <p className="dim small">{t("model.bestMeans")} {t("model.diagonal")}</p>
      </div>
    </Card>
  );
}
