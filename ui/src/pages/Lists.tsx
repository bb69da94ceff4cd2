import type { ColumnDef } from "@tanstack/react-table";
import { type FormEvent, useMemo, useState } from "react";
import { Link } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useChange } from "../api/hooks";
import { useDraft } from "../app/drafts";
import { useMay } from "../app/session";
import { useToasts } from "../app/toasts";
import { Badge, Card, Page, When } from "../components/basics";
import { Cards, DataTable, Pager, usePages } from "../components/DataTable";
import { Given } from "../components/Given";
import { Modal } from "../components/Modal";
import { Empty, Result } from "../components/states";
import { useWords } from "../i18n";

type Item = Schemas["ListItem"];
const path = (name: string) => `/lists/${encodeURIComponent(name)}`;

export default function Lists({ params }: { params: Record<string, string | undefined> }) {
  return params.name === undefined ? <All /> : <One name={params.name} />;
}

function All() {
  const { t, number } = useWords();
  const asked = useAsk(["lists"], (signal) => api.GET("/v1/lists", { signal }));
  return (
    <Page title={t("nav.lists")} lead={t("list.lead")}>
      <Card bare>
        <Result of={asked} empty={(data) => data.lists.length === 0 && <Empty title={t("list.noLists")}>{t("list.noListsHint")}</Empty>}>
          {(data) => (
            <Cards caption={t("nav.lists")} head={[{ title: t("list.name"), kind: "lead" }, { title: t("list.about"), kind: "wide" }, { title: t("list.type") }, { title: t("list.lasts") }, { title: t("list.entries"), kind: "number" }]}
              rows={data.lists.map((list) => ({ key: list.name, cells: [
                <Link className="strong" href={path(list.name)}>{list.name}</Link>, list.description || <span className="dim">–</span>, list.type, list.expires ?? t("list.forever"), number(list.entries),
              ] }))} />
          )}
        </Result>
      </Card>
    </Page>
  );
}

function One({ name }: { name: string }) {
  const { t, number } = useWords();
  const may = useMay();
  const { say } = useToasts();
  const pages = usePages(name);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Item | null>(null);
  const asked = useAsk(["list", name, pages.cursor], (signal) => api.GET("/v1/lists/{name}", { params: { path: { name }, query: { limit: 50, cursor: pages.cursor } }, signal }), { keep: true });
  const stale = [["list", name], ["lists"]];
  const remove = useChange(({ value, note }: { value: string; note: string }) =>
    the(api.DELETE("/v1/lists/{name}/entries/{value}", { params: { path: { name, value }, query: note ? { note } : {} } })),
  { stale, done: (_, { value }) => { say(t("list.removed", { value })); setRemoving(null); } });
  const mayChange = may("POST /v1/lists/{name}/entries");
  const columns = useMemo<ColumnDef<Item>[]>(() => [
    { id: "value", header: t("list.value"), cell: ({ row }) => <span className="mono break"><Given text={row.original.value} /></span>, meta: { lead: true } },
    { id: "note", header: t("note"), cell: ({ row }) => row.original.note ? <Given text={row.original.note} /> : <span className="dim">–</span>, meta: { wide: true } },
    { id: "by", header: t("list.by"), cell: ({ row }) => row.original.by || <span className="dim">–</span> },
    { id: "added", header: t("list.added"), cell: ({ row }) => <When at={row.original.added} />, meta: { nowrap: true } },
    { id: "expires", header: t("list.expires"), cell: ({ row: { original: item } }) => item.expires === null ? t("list.never") : item.expired ? <Badge>{t("list.expired")}</Badge> : <When at={item.expires} />, meta: { nowrap: true } },
    ...(mayChange ? [{ id: "do", header: "", cell: ({ row }: { row: { original: Item } }) => <button type="button" className="quiet" onClick={() => setRemoving(row.original)}>{t("list.remove")}<span className="hidden"> {row.original.value}</span></button> } as ColumnDef<Item>] : []),
  ], [t, mayChange]);
  return (
    <Page title={name} lead={asked.data?.description} actions={<>
      {mayChange && <button type="button" className="primary" onClick={() => setAdding(true)}>{t("list.add")}</button>}
      <Link className="button" href="/lists">{t("list.back")}</Link>
    </>}>
      <Card bare title={asked.data && t("list.count", { n: asked.data.entries, count: number(asked.data.entries) })}>
        <Result of={asked} empty={(data) => data.items.length === 0 && pages.page === 1 && <Empty title={t("list.none")} />}>
          {(data) => (<>
            <DataTable columns={columns} rows={data.items} caption={name} idOf={(item) => item.value} />
            <footer><Pager pages={pages} next={data.next} shown={data.items.length} /></footer>
          </>)}
        </Result>
      </Card>
      <Add name={name} open={adding} onClose={() => setAdding(false)} lasts={asked.data?.expires ?? null} />
      <Modal title={t("list.removeTitle", { value: removing?.value ?? "" })} open={removing !== null} onClose={() => setRemoving(null)}>
        <form className="stack" onSubmit={(event) => { event.preventDefault(); remove.mutate({ value: removing!.value, note: String(new FormData(event.currentTarget).get("note") ?? "") }); }}>
          <p>{t("list.removeText", { name })}</p>
          <label className="field"><span>{t("note.optional")}</span><input name="note" maxLength={512} /></label>
          <div className="row end"><button type="button" onClick={() => setRemoving(null)}>{t("cancel")}</button><button className="danger" disabled={remove.isPending}>{t("list.remove")}</button></div>
        </form>
      </Modal>
    </Page>
  );
}

function Add({ name, open, onClose, lasts }: { name: string; open: boolean; onClose: () => void; lasts: string | null }) {
  const { t } = useWords();
  const { say } = useToasts();
  const add = useChange((body: { value: string; note?: string; expires?: string }[]) =>
    the(api.POST("/v1/lists/{name}/entries", { params: { path: { name } }, body: body as never })),
  { stale: [["list", name], ["lists"]], done: (data) => { say(t("list.addedWords", { n: data.results.filter((one) => one.result === "added" || one.result === "replaced").length })); setDraft(""); onClose(); } });
  const [draft, setDraft] = useDraft("values");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [note, expires] = [String(form.get("note") ?? "").trim(), String(form.get("expires") ?? "").trim()];
    const values = draft.split("\n").map((one) => one.trim()).filter((one) => one !== "");
    add.mutate(values.map((value) => ({ value, ...(note && { note }), ...(expires && { expires }) })));
  };
  return (
    <Modal title={t("list.addTitle", { name })} open={open} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <label className="field"><span>{t("list.values")}</span><textarea name="values" rows={4} required className="mono" value={draft} onChange={(event) => setDraft(event.target.value)} /><small>{t("list.valuesHint")}</small></label>
        <label className="field"><span>{t("list.expires")}</span><input name="expires" placeholder={lasts ?? "30d"} /><small>{t("list.expiresHint")}</small></label>
        <label className="field"><span>{t("note.optional")}</span><input name="note" maxLength={512} /></label>
        <div className="row end"><button type="button" onClick={onClose}>{t("cancel")}</button><button className="primary" disabled={add.isPending}>{t("list.add")}</button></div>
      </form>
    </Modal>
  );
}
