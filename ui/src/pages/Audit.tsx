import type { ColumnDef } from "@tanstack/react-table";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useChange } from "../api/hooks";
import { useMay } from "../app/session";
import { Card, DecisionLink, Facts, Page, When } from "../components/basics";
import { DataTable, Pager, usePages } from "../components/DataTable";
import { Modal } from "../components/Modal";
import { Empty, Result } from "../components/states";
import { useWords } from "../i18n";

type Entry = Schemas["AuditEntry"];
const names = ["kind", "actor", "subject", "event", "request"] as const;
type Name = (typeof names)[number];
const kinds = ["decision", "label", "list", "rule.", "model.", "key.", "user.", "access.", "plan", "alert.", "case."];

export default function Audit() {
  const { t } = useWords();
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
  const columns = useMemo<ColumnDef<Entry>[]>(() => [
    { id: "at", header: t("audit.at"), cell: ({ row }) => <When at={row.original.at} />, meta: { nowrap: true } },
    { id: "kind", header: t("audit.what"), cell: ({ row }) => <span className="chip">{row.original.kind}</span>, meta: { nowrap: true } },
    { id: "actor", header: t("audit.who"), cell: ({ row }) => actorText(row.original.actor as unknown as Actor), meta: { nowrap: true } },
    { id: "subject", header: t("audit.subject"), cell: ({ row: { original: one } }) => one.event ? <DecisionLink id={one.event} /> : one.subject === null ? <span className="dim">–</span> : <span className="mono break">{one.subject}</span>, meta: { lead: true } },
    { id: "note", header: t("note"), cell: ({ row }) => row.original.note ?? <span className="dim">–</span>, meta: { wide: true } },
    { id: "request", header: t("audit.request"), cell: ({ row }) => <span className="mono small break">{row.original.request ?? "–"}</span> },
  ], [t]);
  const apply = (changes: Partial<Record<Name, string>> = {}) => setSearch(Object.fromEntries(Object.entries({ ...draft, ...changes }).filter(([, value]) => value !== "")));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    apply();
  };
  return (
    <Page title={t("nav.audit")} lead={t("audit.lead")} actions={
      may("POST /v1/audit:checkpoint") && <button type="button" disabled={checkpoint.isPending} onClick={() => checkpoint.mutate(undefined as never)}>{t("audit.verify")}</button>
    }>
      {checkpoint.data && (
        <Card title={t("audit.signed")}>
          <p className="note good" role="status">{t("audit.signedWords")}</p>
          <div className="scroll" tabIndex={0} role="group" aria-label={t("audit.signed")}>
            <table>
              <thead><tr><th scope="col">{t("audit.log")}</th><th scope="col" className="number">{t("audit.records")}</th><th scope="col">{t("audit.at")}</th><th scope="col">{t("audit.chain")}</th><th scope="col">{t("audit.signature")}</th></tr></thead>
              <tbody>{checkpoint.data.checkpoints.map((one) => <tr key={one.log + one.shard}><td>{one.log}</td><td className="number">{one.seq}</td><td><When at={one.at} /></td><td><code className="break">{one.chain}</code></td><td><code className="break">{one.signature.slice(0, 32)}…</code></td></tr>)}</tbody>
            </table>
          </div>
          <p className="dim small">{t("audit.offline")} <code>assay log verify</code></p>
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

interface Actor {
  kind: string;
  id?: string | null;
  name?: string | null;
}
const actorText = (actor: Actor) => (actor.id ? `${actor.kind} ${actor.name || actor.id}` : actor.kind);
