// One alert: what is known of it on one page, so that a disposition is one click away.
import { useState } from "react";
import { useLocation } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useChange } from "../api/hooks";
import { useMay } from "../app/session";
import { useShortcuts } from "../app/shortcuts";
import { useToasts } from "../app/toasts";
import { Card, Page, Score, Tiles, When } from "../components/basics";
import { Failed, Loading, Result } from "../components/states";
import { AlertState, CaseLink, casePath, Dispose, EntityOf, labelsComing, Timeline, WatchedDecisions } from "../components/watch";
import { Why } from "../components/Why";
import { useWords } from "../i18n";
import { Snooze } from "./Alerts";

type Shown = Schemas["AlertShown"];

export default function Alert({ params }: { params: Record<string, string | undefined> }) {
  const { t, number, amount } = useWords();
  const id = params.id!;
  const asked = useAsk(["alert", id], (signal) => api.GET("/v1/alerts/{id}", { params: { path: { id } }, signal }), { refetchInterval: (query) => (labelsComing(query.state.data) ? 1000 : false) });
  const a = asked.data;
  return (
    <Page title={a === undefined ? t("alert.one") : a.entity === null ? a.name : `${a.entity.kind} ${a.entity.id ?? ""}`}
      lead={a && <span className="row"><AlertState of={a} /> <span>{a.name}{a.queue !== null && ` · ${a.queue}`}</span>{a.case !== null && <CaseLink id={a.case} />}</span>}
      actions={a && <Actions of={a} />}>
      <Result of={asked}>
        {(alert) => (
          <>
            <Tiles of={[
              { name: t("alert.topScore"), value: <Score of={alert.score} /> },
              { name: t("alert.decisions"), value: number(alert.hits) },
              { name: t("alert.amount"), value: alert.amount === null ? "–" : amount(alert.amount) },
              { name: t("alert.raised"), value: <When at={alert.raised} ago /> },
              { name: t("alert.about"), value: <span className="medium"><EntityOf of={alert.entity} /></span> },
            ]} />
            <div className="grid two-one">
              <div className="columns">
                <Reasons of={alert} />
                <Card title={t("alert.itsDecisions")} bare><WatchedDecisions of={alert.decisions} /></Card>
              </div>
              <Card title={t("case.timeline")}><Timeline of={alert.timeline} /></Card>
            </div>
          </>
        )}
      </Result>
    </Page>
  );
}

/** Why the riskiest of its decisions scored so. */
function Reasons({ of }: { of: Shown }) {
  const { t } = useWords();
  const top = [...of.decisions].sort((a, b) => b.score - a.score)[0];
  const why = useAsk(["explanation", top?.id], (signal) => api.GET("/v1/decisions/{id}/explanation", { params: { path: { id: top!.id } }, signal }), { enabled: top !== undefined });
  if (top === undefined) return null;
  return (
    <Card title={t("alert.why", { id: top.id })} bare>
      {of.rules.length > 0 && <div className="body"><p className="row"><span className="dim">{t("decision.rules")}</span> {of.rules.map((rule) => <span key={rule} className="chip">{rule}</span>)}</p></div>}
      {why.isPending ? <Loading /> : why.isError ? <Failed error={why.error} retry={() => void why.refetch()} /> : <Why of={why.data} score={top.score} />}
    </Card>
  );
}

function Actions({ of }: { of: Shown }) {
  const { t } = useWords();
  const may = useMay();
  const [, go] = useLocation();
  const { say } = useToasts();
  const [snoozing, setSnoozing] = useState(false);
  const stale = [["alert", of.id], ["alerts"], ["decision"]];
  const at = { params: { path: { id: of.id } } };
  const claim = useChange(() => the(api.POST("/v1/alerts/{id}:claim", { ...at, body: { version: of.version } })), { stale });
  const release = useChange(() => the(api.POST("/v1/alerts/{id}:release", { ...at, body: { version: of.version } })), { stale });
  const snooze = useChange(({ until, note }: { until: string; note: string }) => the(api.POST("/v1/alerts/{id}:snooze", { ...at, body: { until, version: of.version, note: note || null } })), { stale, done: () => { say(t("alert.did.snooze", { n: 1 })); setSnoozing(false); } });
  const close = useChange(({ disposition, note }: { disposition: Schemas["AlertClose"]["disposition"]; note: string; done: () => void }) => the(api.POST("/v1/alerts/{id}:close", { ...at, body: { disposition, version: of.version, note: note || null } })), { stale, done: (_, { done }) => { say(t("alert.did.close", { n: 1 })); done(); } });
  const open = useChange(() => the(api.POST("/v1/cases", { body: { title: of.entity === null ? of.name : `${of.name}: ${of.entity.kind} ${of.entity.id ?? ""}`, alerts: [of.id] } as never })), { stale: [...stale, ["cases"]], done: (made) => go(casePath(made.id)) });
  const mayChange = may("POST /v1/alerts/{id}:claim");
  const isOpen = of.state !== "closed";
  const busy = claim.isPending || release.isPending || close.isPending;
  useShortcuts([
    { keys: "u", what: t("alert.back"), run: () => go("/alerts") },
    ...(!mayChange || !isOpen ? [] : [
      { keys: "c", what: t("alert.claim"), run: () => !busy && of.assignee === null && claim.mutate(undefined as never) },
      { keys: "r", what: t("alert.release"), run: () => !busy && of.assignee !== null && release.mutate(undefined as never) },
      { keys: "z", what: t("alert.snooze"), run: () => setSnoozing(true) },
      ...(of.case === null ? [{ keys: "n", what: t("alert.openCase"), run: () => !open.isPending && open.mutate(undefined as never) }] : []),
    ]),
  ]);
  if (!mayChange) return null;
  return (
    <>
      {isOpen && (of.assignee === null ? <button type="button" className="primary" disabled={busy} onClick={() => claim.mutate(undefined as never)}>{t("alert.claim")}</button>
        : <button type="button" disabled={busy} onClick={() => release.mutate(undefined as never)}>{t("alert.release")}</button>)}
      {isOpen && <button type="button" disabled={busy} onClick={() => setSnoozing(true)}>{t("alert.snooze")}</button>}
      {isOpen && of.case === null && <button type="button" disabled={open.isPending} onClick={() => open.mutate(undefined as never)}>{t("alert.openCase")}</button>}
      <Dispose busy={busy} what={t("alert.closeOne", { n: of.hits })} onDispose={(disposition, note, done) => close.mutate({ disposition, note, done })} />
      <Snooze open={snoozing} onClose={() => setSnoozing(false)} busy={snooze.isPending} onSnooze={(until, note) => snooze.mutate({ until, note })} />
    </>
  );
}
