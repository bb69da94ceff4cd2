import type { ColumnDef } from "@tanstack/react-table";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useChange, useWho } from "../api/hooks";
import { useMay } from "../app/session";
import { Badge, Card, Choice, Page, Select, When } from "../components/basics";
import { DataTable, Pager, usePages } from "../components/DataTable";
import { Given, short } from "../components/Given";
import { Modal } from "../components/Modal";
import { Empty, Result } from "../components/states";
import { casePath, DispositionBadge } from "../components/watch";
import { useWords } from "../i18n";

type Case = Schemas["Case"];

export function CaseState({ of }: { of: Case }) {
  const { t } = useWords();
  return of.disposition ? <DispositionBadge of={of.disposition} /> : <Badge tone={of.state === "open" ? "info" : "neutral"}>{t(`case.state.${of.state}`)}</Badge>;
}

export default function Cases() {
  const { t, number } = useWords();
  const who = useWho();
  const may = useMay();
  const [, go] = useLocation();
  const [search, setSearch] = useSearchParams();
  const asked = search.toString();
  const pages = usePages(asked);
  const [text, setText] = useState(search.get("text") ?? "");
  const [opening, setOpening] = useState(false);
  useEffect(() => setText(search.get("text") ?? ""), [asked]);
  const query = Object.fromEntries([...search].filter(([, value]) => value !== ""));
  const found = useAsk(["cases", asked, pages.cursor], (signal) => api.GET("/v1/cases", { params: { query: { ...query, limit: 50, cursor: pages.cursor } as never }, signal }), { keep: true });
  const set = (changes: Record<string, string>) => setSearch(Object.fromEntries(Object.entries({ ...query, ...changes }).filter(([, value]) => value !== "")));
  const make = useChange((body: { title: string; note: string | null }) => the(api.POST("/v1/cases", { body: body as never })), { stale: [["cases"]], done: (made) => go(casePath(made.id)) });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    make.mutate({ title: String(form.get("title")), note: String(form.get("note") ?? "").trim() || null });
  };
  const columns = useMemo<ColumnDef<Case>[]>(() => [
    { id: "title", header: t("case.title"), cell: ({ row }) => <Link className="strong" href={casePath(row.original.id)}><Given text={short(row.original.title, 200)} /></Link>, meta: { lead: true, wide: true } },
    { id: "state", header: t("rule.state"), cell: ({ row }) => <CaseState of={row.original} /> },
    { id: "assignee", header: t("case.assignee"), cell: ({ row }) => who(row.original.assignee) ?? <span className="dim">{t("case.nobody")}</span> },
    { id: "alerts", header: t("nav.alerts"), cell: ({ row }) => number(row.original.alert_count), meta: { number: true } },
    { id: "opened", header: t("case.opened"), cell: ({ row }) => <When at={row.original.opened} />, meta: { nowrap: true } },
    { id: "changed", header: t("rule.changed"), cell: ({ row }) => <When at={row.original.changed} ago />, meta: { nowrap: true } },
  ], [t, number, who]);
  return (
    <Page title={t("nav.cases")} lead={t("case.lead")} actions={may("POST /v1/cases") && <button type="button" onClick={() => setOpening(true)}>{t("case.new")}</button>}>
      <Card>
        <form className="filters" role="search" aria-label={t("nav.cases")} onSubmit={(event) => { event.preventDefault(); set({ text }); }}>
          <label className="field"><span>{t("case.text")}</span><input type="search" value={text} onChange={(event) => setText(event.target.value)} /></label>
          <Select name={t("rule.state")} value={(search.get("state") ?? "open") as "open" | "closed" | "any"} onChange={(state) => set({ state: state === "open" ? "" : state })} options={[["open", t("case.state.open")], ["closed", t("case.state.closed")], ["any", t("any")]]} />
          <Choice name={t("alert.whose")} value={search.get("assignee") ?? ""} onChange={(assignee) => set({ assignee })} options={[["", t("alert.everybodys")], ["me", t("alert.mine")]]} />
          <button className="primary">{t("search.do")}</button>
        </form>
      </Card>
      <Card bare>
        <Result of={found} empty={(data) => data.cases.length === 0 && pages.page === 1 && <Empty title={t("case.none")}>{t("case.noneHint")}</Empty>}>
          {(data) => (<>
            <DataTable columns={columns} rows={data.cases} caption={t("nav.cases")} idOf={(one) => one.id} walk onOpen={(one) => go(casePath(one.id))} />
            <footer><Pager pages={pages} next={data.next} shown={data.cases.length} /></footer>
          </>)}
        </Result>
      </Card>
      <Modal title={t("case.new")} open={opening} onClose={() => setOpening(false)}>
        <form className="stack" onSubmit={submit}>
          <label className="field"><span>{t("case.title")}</span><input name="title" required maxLength={200} /></label>
          <label className="field"><span>{t("note.optional")}</span><textarea name="note" rows={3} maxLength={4096} /></label>
          <div className="row end"><button type="button" onClick={() => setOpening(false)}>{t("cancel")}</button><button className="primary" disabled={make.isPending}>{t("case.open")}</button></div>
        </form>
      </Modal>
    </Page>
  );
}
