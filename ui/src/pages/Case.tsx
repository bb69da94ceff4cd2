import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useChange, useWho } from "../api/hooks";
import { useDraft } from "../app/drafts";
import { useMay } from "../app/session";
import { useToasts } from "../app/toasts";
import { Card, Facts, Page, When } from "../components/basics";
import { Modal } from "../components/Modal";
import { Empty, Result } from "../components/states";
import { alertPath, AlertState, Dispose, EntityOf, labelsComing, Timeline, WatchedDecisions } from "../components/watch";
import { useWords } from "../i18n";
import { CaseState } from "./Cases";

type Shown = Schemas["CaseShown"];

export default function Case({ params }: { params: Record<string, string | undefined> }) {
  const { t, number } = useWords();
  const who = useWho();
  const id = params.id!;
  const asked = useAsk(["case", id], (signal) => api.GET("/v1/cases/{id}", { params: { path: { id } }, signal }), { refetchInterval: (query) => (labelsComing(query.state.data) ? 1000 : false) });
  return (
    <Page title={asked.data?.title ?? t("case.number", { id })} lead={asked.data && <span className="row"><CaseState of={asked.data} /> <span>{t("case.number", { id })}</span></span>} actions={asked.data && <Actions of={asked.data} />}>
      <Result of={asked}>
        {(data) => (
          <div className="grid two-one">
            <div className="columns">
              <Card title={t("nav.alerts")} bare>
                {data.alerts.length === 0 ? <Empty title={t("case.noAlerts")} /> : (
                  <ul className="plain list">{data.alerts.map((one) => (
                    <li key={one.id} className="row between"><span><Link className="strong" href={alertPath(one.id)}>{one.name}</Link> <EntityOf of={one.entity} /></span><span className="row"><span className="num">{t("case.score", { score: one.score })}</span><AlertState of={one} /></span></li>
                  ))}</ul>
                )}
              </Card>
              <Card title={t("case.decisions")} bare>{data.decisions.length === 0 ? <Empty title={t("case.noDecisions")} /> : <WatchedDecisions of={data.decisions} />}</Card>
            </div>
            <div className="columns">
              <Card title={t("case.facts")}>
                <Facts of={[
                  [t("case.assignee"), who(data.assignee) ?? t("case.nobody")],
                  [t("case.opened"), <><When at={data.opened} /> · {who(data.opened_by)}</>],
                  ...(data.closed ? [[t("case.closed"), <When at={data.closed} />] as [string, React.ReactNode]] : []),
                  [t("nav.alerts"), number(data.alert_count)],
                  [t("case.entities"), data.entities.length === 0 ? "–" : <span className="columns tight">{data.entities.map((one) => <EntityOf key={`${one.kind}:${one.id}`} of={one} />)}</span>],
                ]} />
              </Card>
              <Card title={t("case.timeline")}><Note of={data} /><Timeline of={data.timeline} /></Card>
            </div>
          </div>
        )}
      </Result>
    </Page>
  );
}

function Note({ of }: { of: Shown }) {
  const { t } = useWords();
  const may = useMay();
  const [text, setText] = useDraft("note");
  const add = useChange((note: string) => the(api.POST("/v1/cases/{id}/notes", { params: { path: { id: of.id } }, body: { note } })), { stale: [["case", of.id]], done: () => setText("") });
  if (!may("POST /v1/cases/{id}/notes")) return null;
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); add.mutate(text.trim()); }}>
      <label className="field"><span>{t("case.note")}</span><textarea rows={2} maxLength={4096} value={text} onChange={(event) => setText(event.target.value)} /></label>
      <div className="row end"><button disabled={text.trim() === "" || add.isPending}>{t("case.addNote")}</button></div>
    </form>
  );
}

function Actions({ of }: { of: Shown }) {
  const { t } = useWords();
  const may = useMay();
  const { say, fail } = useToasts();
  const [asking, setAsking] = useState<"assign" | "add" | null>(null);
  const stale = [["case", of.id], ["cases"], ["alerts"], ["alert"], ["decision"]];
  const at = { params: { path: { id: of.id } } };
  const done = () => setAsking(null);
  const assign = useChange((to: string | null) => the(api.POST("/v1/cases/{id}:assign", { ...at, body: { to, version: of.version } })), { stale, done });
  const add = useChange((body: { decisions?: string[]; entities?: { kind: string; id: string }[] }) => the(api.POST("/v1/cases/{id}:add", { ...at, body: { ...body, version: of.version } as never })), { stale, done });
  const dispose = useChange(({ disposition, note }: { disposition: Schemas["AlertClose"]["disposition"]; note: string; done: () => void }) => the(api.POST("/v1/cases/{id}:dispose", { ...at, body: { disposition, version: of.version, note: note || null } })), { stale, done: (_, { done }) => { say(t("case.disposed")); done(); } });
  const reopen = useChange(() => the(api.POST("/v1/cases/{id}:reopen", { ...at, body: { version: of.version } })), { stale });
  const evidence = () => {
    // Byte by byte as the server wrote it: it is evidence.
    the(api.GET("/v1/cases/{id}/evidence", { ...at, parseAs: "blob" })).then((pack) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(pack as unknown as Blob);
      link.download = `case-${of.id}.json`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    }, fail);
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const words = (name: string) => String(form.get(name) ?? "").split(/[\s,]+/).filter((one) => one !== "");
    if (asking === "assign") assign.mutate(String(form.get("to") ?? "").trim() || null);
    else add.mutate({ decisions: words("decisions"), entities: words("entities").map((one) => ({ kind: one.split(":", 1)[0]!, id: one.slice(one.indexOf(":") + 1) })) });
  };
  return (
    <>
      <button type="button" onClick={evidence}>{t("case.evidence")}</button>
      {may("POST /v1/cases/{id}:dispose") && (of.state === "open" ? <>
        <button type="button" onClick={() => setAsking("assign")}>{t("case.assign")}</button>
        <button type="button" onClick={() => setAsking("add")}>{t("case.link")}</button>
        <Dispose busy={dispose.isPending} what={t("case.disposeWhat", { n: of.decisions.length })} onDispose={(disposition, note, done) => dispose.mutate({ disposition, note, done })} />
      </> : <button type="button" disabled={reopen.isPending} onClick={() => reopen.mutate(undefined as never)}>{t("case.reopen")}</button>)}
      <Modal title={t(asking === "assign" ? "case.assign" : "case.link")} open={asking !== null} onClose={done}>
        <form className="stack" onSubmit={submit}>
          {asking === "assign" ? <label className="field"><span>{t("case.assignee")}</span><input name="to" defaultValue="me" /><small>{t("case.assignHint")}</small></label> : <>
            <label className="field"><span>{t("case.linkDecisions")}</span><textarea name="decisions" rows={2} className="mono" /></label>
            <label className="field"><span>{t("case.linkEntities")}</span><textarea name="entities" rows={2} className="mono" placeholder="customer:c-1029" /></label>
          </>}
          <div className="row end"><button type="button" onClick={done}>{t("cancel")}</button><button className="primary" disabled={assign.isPending || add.isPending}>{t("save")}</button></div>
        </form>
      </Modal>
    </>
  );
}
