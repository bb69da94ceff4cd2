import { Link, useSearchParams } from "wouter";
import { api } from "../api/client";
import { type Row, useAsk } from "../api/hooks";
import { Badge, Card, EntityLink, Page, Tiles, useScoreTone, When } from "../components/basics";
import { Histogram } from "../components/charts";
import { Pager, usePages } from "../components/DataTable";
import { Decisions } from "../components/decisions";
import { Empty, Result } from "../components/states";
import { useWords } from "../i18n";

interface Linked {
  kind: string;
  key: string;
  decisions: number;
  newest: string;
  flagged: number;
}

export default function Entity({ params }: { params: Record<string, string | undefined> }) {
  const { t } = useWords();
  const [kind, id] = [params.kind!, params.id!];
  const pages = usePages(`${kind}:${id}`);
  const asked = useAsk(["entity", kind, id, pages.cursor], (signal) =>
    api.GET("/v1/entities/{kind}/{id}", { params: { path: { kind, id }, query: { limit: 25, cursor: pages.cursor } }, signal }), { keep: true });
  return (
    <Page title={`${kind} ${id}`} lead={t("entity.lead")} actions={
      <Link className="button" href={`/search?entity=${encodeURIComponent(`${kind}:${id}`)}`}>{t("entity.search")}</Link>
    }>
      <Result of={asked}>
        {(data) => {
          const linked = (data as unknown as { linked?: Linked[] }).linked ?? [];
          const features = Object.entries(data.features as Record<string, unknown>);
          return (
            <>
              <Summary rows={data.decisions} lists={data.lists} />
              <div className="grid two-one">
                <div className="columns">
                  <Card title={t("entity.history")} bare footer={<Pager pages={pages} next={data.next} shown={data.decisions.length} />}>
                    {data.decisions.length === 0 ? <Empty title={t("entity.none")} /> : <Decisions rows={data.decisions} caption={t("entity.history")} walk />}
                  </Card>
                </div>
                <div className="columns">
                  <Scores rows={data.decisions} />
                  <Velocities of={features} asOf={data.as_of} />
                  <Card title={t("entity.linked")} bare>
                    {linked.length === 0 ? <Empty title={t("entity.noLinks")} /> : (
                      <div className="scroll"><table>
                        <thead><tr><th scope="col">{t("entity.other")}</th><th scope="col" className="number">{t("entity.shared")}</th><th scope="col" className="number">{t("entity.flagged")}</th></tr></thead>
                        <tbody>{linked.map((one) => (
                          <tr key={`${one.kind}:${one.key}`}>
                            <td><EntityLink kind={one.kind} id={one.key} /></td><td className="number">{one.decisions}</td>
                            <td className="number">{one.flagged > 0 ? <Badge tone="warn">{one.flagged}</Badge> : 0}</td>
                          </tr>
                        ))}</tbody>
                      </table></div>
                    )}
                  </Card>
                </div>
              </div>
            </>
          );
        }}
      </Result>
    </Page>
  );
}

function Summary({ rows, lists }: { rows: Row[]; lists: string[] }) {
  const { t, number } = useWords();
  return (
      <Tiles of={[
        { name: t("entity.highest"), value: rows.length === 0 ? "–" : number(Math.max(...rows.map((row) => row.score))), note: t("entity.ofShown", { n: rows.length }) },
        { name: t("entity.frauds"), value: rows.filter((row) => row.label === true).length, note: t("entity.ofShown", { n: rows.length }) },
        { name: t("entity.newest"), value: rows[0] === undefined ? "–" : <When at={rows[0].time} ago /> },
        { name: t("entity.lists"), value: lists.length === 0 ? <span className="dim">{t("none")}</span> : <span className="chips">{lists.map((list) => <Link key={list} className="chip" href={`/lists/${encodeURIComponent(list)}`}>{list}</Link>)}</span> },
      ]} />
  );
}

function Scores({ rows }: { rows: Row[] }) {
  const { t } = useWords();
  const toneOf = useScoreTone();
  const scores = Array.from({ length: 20 }, (_, i) => rows.filter((row) => Math.min(Math.floor(row.score / 50), 19) === i).length);
  if (rows.length < 5) return null;
  return (
    <Card title={t("entity.scores")}>
      <Histogram counts={scores} labels={["0", "1000"]} height={110} caption={t("entity.scores")} toneOf={(i) => toneOf(i * 50)} />
    </Card>
  );
}

function Velocities({ of, asOf }: { of: [string, unknown][]; asOf: string | null }) {
  const { t, value } = useWords();
  const [search] = useSearchParams();
  const wanted = search.get("feature");
  return (
    <Card title={t("entity.velocities")} bare>
      {of.length === 0 ? <Empty title={t("entity.noVelocities")} /> : (
        <>
          <div className="scroll"><table>
            <thead><tr><th scope="col">{t("why.feature")}</th><th scope="col" className="number">{t("why.value")}</th></tr></thead>
            <tbody>{of.map(([name, now]) => (
              <tr key={name} aria-current={name === wanted || undefined}><td className="mono break">{name}</td><td className="number">{value(now)}</td></tr>
            ))}</tbody>
          </table></div>
          <footer className="small dim">{t("entity.asOf")} <When at={asOf} /></footer>
        </>
      )}
    </Card>
  );
}
