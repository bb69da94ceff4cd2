import type { ColumnDef } from "@tanstack/react-table";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useChange, useJob, useWho } from "../api/hooks";
import { useMay } from "../app/session";
import { Badge, Card, DecisionLink, Facts, Page, When } from "../components/basics";
import { DataTable, Pager, usePages } from "../components/DataTable";
import { Modal } from "../components/Modal";
import { Empty, Result } from "../components/states";
import { useWords } from "../i18n";

type Entry = Schemas["AuditEntry"];
const names = ["kind", "actor", "subject", "event", "request"] as const;
type Name = (typeof names)[number];
const kinds = ["decision", "label", "list", "rule.", "model.", "key.", "user.", "access.", "plan", "alert.", "case."];

export default function Audit() {
  const { t, number } = useWords();
  const may = useMay();
  const [search, setSearch] = useSearchParams();
  const asked = search.toString();
  const [draft, setDraft] = useState<Record<Name, string>>({ kind: "", actor: "", subject: "", event: "", request: "" });
  useEffect(() => setDraft(Object.fromEntries(names.map((name) => [name, search.get(name) ?? ""])) as Record<Name, string>), [asked]);
  const pages = usePages(asked);
  const [open, setOpen] = useState<Entry | null>(null);
  const found = useAsk(["audit", asked, pages.cursor], (signal) =>
    api.GET("/v1/audit", { params: { query: { ...Object.fromEntries([...search].filter(([, value]) => value !== "")), limit: 50, cursor: pages.cursor } as never }, signal }), { keep: true });
  const checkpoint = useChange(() => the(api.POST("/v1/audit:checkpoint", { body: {} as never })));
  const who = useWho();
  const [job, setJob] = useState<Schemas["Job"]>();
  const verifying = useJob(job);
  const verify = useChange(() => the(api.POST("/v1/audit:verify", { body: {} as never })), { done: (made) => setJob(made as Schemas["Job"]) });
  const columns = useMemo<ColumnDef<Entry>[]>(() => [
    { id: "at", header: t("audit.at"), cell: ({ row }) => <When at={row.original.at} />, meta: { nowrap: true } },
    { id: "kind", header: t("audit.what"), cell: ({ row }) => <span className="chip">{row.original.kind}</span>, meta: { nowrap: true } },
    { id: "actor", header: t("audit.who"), cell: ({ row }) => actorText(row.original.actor as unknown as Actor, who), meta: { nowrap: true } },
    { id: "subject", header: t("audit.subject"), cell: ({ row: { original: one } }) => one.event ? <DecisionLink id={one.event} /> : one.subject === null ? <span className="dim">–</span> : <span className="mono break subject">{one.subject}</span>, meta: { lead: true } },
    { id: "note", header: t("note"), cell: ({ row }) => row.original.note ?? <span className="dim">–</span>, meta: { wide: true } },
    { id: "request", header: t("audit.request"), cell: ({ row }) => <span className="mono small">{row.original.request ?? "–"}</span>, meta: { nowrap: true } },
  ], [t, who]);
  const apply = (changes: Partial<Record<Name, string>> = {}) => setSearch(Object.fromEntries(Object.entries({ ...draft, ...changes }).filter(([, value]) => value !== "")));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    apply();
  };
  return (
    <Page title={t("nav.audit")} lead={t("audit.lead")} actions={<>
      {may("POST /v1/audit:checkpoint") && <button type="button" disabled={checkpoint.isPending} onClick={() => checkpoint.mutate(undefined as never)}>{t("audit.sign")}</button>}
      {may("POST /v1/audit:verify") && <button type="button" className="primary" disabled={verify.isPending || verifying?.state === "running"} onClick={() => verify.mutate(undefined as never)}>{t("audit.verify")}</button>}
    </>}>
      {(verify.isPending || verifying !== undefined) && (
        <Card title={t("audit.verified")}>
          {verify.isPending || verifying?.state === "running" ? <div role="status"><p>{t("audit.verifying")}</p><progress max={1} value={verifying?.progress ?? undefined} aria-label={t("audit.verifying")} /></div>
            : verifying?.state === "done" ? <Verified of={verifying.result as unknown as Verdict} /> : <p className="note bad" role="alert">{verifying?.error}</p>}
        </Card>
      )}
      {checkpoint.data && (
        <Card title={t("audit.signed")}>
          <p className="note good" role="status">{t("audit.signedWords")}</p>
          <div className="scroll" tabIndex={0} role="group" aria-label={t("audit.signed")}>
            <table>
              <thead><tr><th scope="col">{t("audit.log")}</th><th scope="col" className="number">{t("audit.record")}</th><th scope="col">{t("audit.at")}</th><th scope="col">{t("audit.chain")}</th><th scope="col">{t("audit.signature")}</th></tr></thead>
              <tbody>{checkpoint.data.checkpoints.map((one) => <tr key={one.log}><td>{t(`audit.log.${one.log}`)}</td><td className="number">{number(one.seq)}</td><td className="nowrap"><When at={one.at} /></td><td><code className="break">{one.chain}</code></td><td><code className="break">{one.signature.slice(0, 32)}…</code></td></tr>)}</tbody>
            </table>
          </div>
        </Card>
      )}
      <Card>
        <form className="filters" role="search" aria-label={t("nav.audit")} onSubmit={submit}>
          <label className="field"><span>{t("audit.what")}</span>
            <input list="audit-kinds" value={draft.kind} onChange={(event) => setDraft({ ...draft, kind: event.target.value })} />
            <datalist id="audit-kinds">{kinds.map((kind) => <option key={kind} value={kind} />)}</datalist></label>
          {(["actor", "event", "subject", "request"] as const).map((name) => (
            <label key={name} className="field"><span>{t(`audit.by.${name}`)}</span><input type={name === "event" ? "search" : "text"} value={draft[name]} onChange={(event) => setDraft({ ...draft, [name]: event.target.value })} /></label>
          ))}
          <button className="primary">{t("search.do")}</button>
          {asked !== "" && <button type="button" onClick={() => setSearch({})}>{t("search.clear")}</button>}
        </form>
      </Card>
      <Card bare>
        <Result of={found} empty={(data) => data.entries.length === 0 && !data.next && pages.page === 1 && <Empty title={t("search.none")}>{t("search.noneHint")}</Empty>}>
          {(data) => (<>
            <DataTable columns={columns} rows={data.entries} caption={t("nav.audit")} idOf={(one) => `${one.log}/${one.seq}`} onOpen={setOpen} walk />
            <footer><Pager pages={pages} next={data.next} shown={data.entries.length} /></footer>
          </>)}
        </Result>
      </Card>
      <Modal title={open === null ? "" : `${open.kind} · ${open.log}/${open.seq}`} open={open !== null} onClose={() => setOpen(null)} wide>
        {open !== null && <Facts of={Object.entries(open).filter(([, value]) => value !== null).map(([name, value]) => [name, name === "event" ? <DecisionLink id={String(value)} /> : <code className="break">{typeof value === "object" ? JSON.stringify(value, null, 1) : String(value)}</code>])} />}
      </Modal>
    </Page>
  );
}

interface Held {
  log: "decisions" | "control";
  whole: boolean;
  records: number;
  last_seq: number;
  chain: string;
  checkpoints: number;
  held: number;
  proven_seq: number; // of the newest checkpoint that holds; 0: none
  proven_at: string | null;
  unproven: number;
  finding: string | null;
}
interface Verdict {
  whole: boolean;
  logs: Held[];
}

/** What was held and what not: a chain that fits in itself is no proof before a signed checkpoint stands behind it. */
function Verified({ of }: { of: Verdict }) {
  const { t, number } = useWords();
  return (
    <div className="stack">
      <p className={of.whole ? "note good" : "note bad"} role={of.whole ? "status" : "alert"}>{t(of.whole ? "audit.whole" : "audit.broken")}</p>
      {of.logs.map((one) => one.finding !== null && <p key={one.log} className="break"><strong>{t(`audit.log.${one.log}`)}:</strong> {one.finding}</p>)}
      <div className="scroll" tabIndex={0} role="group" aria-label={t("audit.verified")}>
        <table>
          <thead><tr><th scope="col">{t("audit.log")}</th><th scope="col">{t("rule.state")}</th><th scope="col" className="number">{t("audit.records")}</th><th scope="col" className="number">{t("audit.checkpoints")}</th><th scope="col">{t("audit.proven")}</th><th scope="col" className="number">{t("audit.unproven")}</th><th scope="col">{t("audit.chain")}</th></tr></thead>
          <tbody>{of.logs.map((one) => (
            <tr key={one.log}><td>{t(`audit.log.${one.log}`)}</td><td><Badge tone={one.whole ? "good" : "bad"}>{t(one.whole ? "audit.isWhole" : "audit.isBroken")}</Badge></td><td className="number">{number(one.records)}</td>
              <td className="number">{number(one.held)} / {number(one.checkpoints)}</td><td className="nowrap">{one.proven_seq === 0 ? "–" : <>{number(one.proven_seq)} <span className="dim"><When at={one.proven_at} /></span></>}</td>
              <td className="number">{number(one.unproven)}</td><td><code className="break">{one.chain}</code></td></tr>
          ))}</tbody>
        </table>
      </div>
      <p className="dim small">{t("audit.elsewhere")} <code>assay log verify --checkpoint</code></p>
    </div>
  );
}

interface Actor {
  kind: string;
  id?: string | null;
  name?: string | null;
}
const actorText = (actor: Actor, who: ReturnType<typeof useWho>) =>
  actor.id ? `${actor.kind} ${actor.name || who(`${actor.kind}:${actor.id}`)?.replace(/^key /, "")}` : actor.kind;
