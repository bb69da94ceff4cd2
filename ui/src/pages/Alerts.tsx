// The queue: what waits, riskiest first; claimed, snoozed, closed or opened as a case, one or many at once.
import type { ColumnDef } from "@tanstack/react-table";
import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { api, type Schemas, the } from "../api/client";
import { useAsk, useChange, useInForce } from "../api/hooks";
import { useMay } from "../app/session";
import { useShortcuts } from "../app/shortcuts";
import { useToasts } from "../app/toasts";
import { Badge, Card, Choice, Page, Score, Select, When } from "../components/basics";
import { DataTable, Pager, usePages } from "../components/DataTable";
import { Modal } from "../components/Modal";
import { Empty, Result } from "../components/states";
import { AboutText, type Alert, alertPath, AlertState, casePath, type Disposition, Dispose } from "../components/watch";
import { useWords } from "../i18n";

const names = ["state", "queue", "assignee", "entity", "rule", "min_score", "from", "to", "text", "sort"] as const;
type Bulk = Omit<Schemas["AlertBulk"], "alerts">;

export default function Alerts() {
  const { t, number, amount } = useWords();
  const may = useMay();
  const [, go] = useLocation();
  const { say } = useToasts();
  const [search, setSearch] = useSearchParams();
  const { entities } = useInForce();
  const asked = search.toString();
  const pages = usePages(asked);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [text, setText] = useState(search.get("text") ?? "");
  const [snoozing, setSnoozing] = useState(false);
  const current = useRef<Alert | undefined>(undefined);
  useEffect(() => { setChosen(new Set()); setText(search.get("text") ?? ""); }, [asked, pages.cursor]);

  const query = Object.fromEntries([...search].filter(([name, value]) => value !== "" && names.includes(name as never)));
  const found = useAsk(["alerts", asked, pages.cursor], (signal) => api.GET("/v1/alerts", { params: { query: { ...query, limit: 50, cursor: pages.cursor } as never }, signal }), { keep: true, refetchInterval: 15000 });
  const set = (changes: Partial<Record<(typeof names)[number], string>>) =>
    setSearch(Object.fromEntries(Object.entries({ ...query, ...changes }).filter(([, value]) => value !== "")));

  const bulk = useChange(({ done: _, ...change }: Bulk & { alerts: string[]; done?: () => void }) => the(api.POST("/v1/alerts:bulk", { body: change as never })), {
    stale: [["alerts"], ["alert"]],
    done: (answer, change) => {
      const refused = answer.results.filter((one) => one.status !== 200);
      say(refused.length === 0 ? t(`alert.did.${change.action}`, { n: answer.results.length }) : t("alert.someRefused", { n: refused.length, why: refused[0]!.detail ?? "" }));
      setChosen(new Set());
      setSnoozing(false);
      change.done?.();
    },
  });
  const open = useChange((alerts: string[]) => the(api.POST("/v1/cases", { body: { title: t("case.defaultTitle", { n: alerts.length }), alerts } as never })), { stale: [["alerts"], ["cases"]], done: (made) => go(casePath(made.id)) });
  const mayChange = may("POST /v1/alerts:bulk");
  const targets = () => (chosen.size > 0 ? [...chosen] : current.current ? [current.current.id] : []);
  const act = (change: Bulk & { done?: () => void }) => { const alerts = targets(); if (alerts.length > 0) bulk.mutate({ ...change, alerts }); };
  useShortcuts(!mayChange ? [] : [
    { keys: "c", what: t("alert.claim"), run: () => act({ action: "claim" }) },
    { keys: "r", what: t("alert.release"), run: () => act({ action: "release" }) },
    { keys: "z", what: t("alert.snooze"), run: () => targets().length > 0 && setSnoozing(true) },
  ]);

  const columns = useMemo<ColumnDef<Alert>[]>(() => [
    { id: "priority", header: t("alert.priority"), cell: ({ row }) => number(row.original.priority), meta: { number: true, sort: "priority" } },
    { id: "entity", header: t("alert.about"), cell: ({ row: { original: one } }) => <Link href={alertPath(one.id)} className="strong"><AboutText of={one} /></Link>, meta: { lead: true } },
    { id: "state", header: t("rule.state"), cell: ({ row }) => <AlertState of={row.original} /> },
    { id: "score", header: t("alert.topScore"), cell: ({ row }) => <Score of={row.original.score} />, meta: { number: true } },
    { id: "hits", header: t("alert.decisions"), cell: ({ row }) => number(row.original.hits), meta: { number: true } },
    { id: "amount", header: t("alert.amount"), cell: ({ row }) => row.original.amount === null ? "–" : amount(row.original.amount), meta: { number: true, sort: "amount" } },
    { id: "rules", header: t("decision.rules"), cell: ({ row }) => row.original.rules.length === 0 ? <span className="dim">–</span> : <span className="chips">{row.original.rules.map((rule) => <span key={rule} className="chip">{rule}</span>)}</span> },
    { id: "queue", header: t("alert.queue"), cell: ({ row }) => row.original.queue ?? "–" },
    { id: "raised", header: t("alert.raised"), cell: ({ row }) => <When at={row.original.raised} ago />, meta: { nowrap: true, sort: "raised" } },
  ], [t, number, amount]);
  const states = ["", "open", "claimed", "snoozed", "closed", "any"] as const;
  return (
    <Page title={t("nav.alerts")} lead={t("alert.lead")}>
      {found.data && found.data.queues.length > 0 && (
        <div className="row" role="group" aria-label={t("alert.queues")}>
          {found.data.queues.map((one) => (
            <button key={one.queue} type="button" aria-pressed={search.get("queue") === one.queue} onClick={() => set({ queue: search.get("queue") === one.queue ? "" : one.queue })}>
              {one.queue} <Badge tone={one.open > 0 ? "warn" : "neutral"}>{t("alert.waiting", { n: one.open })}</Badge>
              {one.oldest !== null && one.open > 0 && <span className="dim small">{t("alert.oldest")} <When at={one.oldest} ago /></span>}
            </button>
          ))}
        </div>
      )}
      <Card>
        <form className="filters" role="search" aria-label={t("nav.alerts")} onSubmit={(event) => { event.preventDefault(); set({ text }); }}>
          <label className="field"><span>{t("alert.text")}</span><input type="search" value={text} onChange={(event) => setText(event.target.value)} /></label>
          <Select name={t("rule.state")} value={(search.get("state") ?? "") as (typeof states)[number]} onChange={(state) => set({ state })} options={states.map((one) => [one, t(one === "" ? "alert.active" : one === "any" ? "any" : `alert.state.${one}`)] as const)} />
          <Choice name={t("alert.whose")} value={search.get("assignee") ?? ""} onChange={(assignee) => set({ assignee })} options={[["", t("alert.everybodys")], ["me", t("alert.mine")]]} />
          {entities.length > 0 && <label className="field"><span>{t("search.entity")}</span><input placeholder={`${entities[0]!.kind}:…`} defaultValue={search.get("entity") ?? ""} onBlur={(event) => event.target.value !== (search.get("entity") ?? "") && set({ entity: event.target.value })} /></label>}
          <button className="primary">{t("search.do")}</button>
          {asked !== "" && <button type="button" onClick={() => setSearch({})}>{t("search.clear")}</button>}
        </form>
        <Views query={asked} onOpen={(kept) => setSearch(new URLSearchParams(kept))} />
      </Card>
      <Card bare title={chosen.size > 0 ? t("alert.chosen", { n: chosen.size }) : undefined} actions={mayChange && chosen.size > 0 && <>
        <button type="button" className="primary" disabled={bulk.isPending} onClick={() => act({ action: "claim" })}>{t("alert.claim")}</button>
        <button type="button" disabled={bulk.isPending} onClick={() => act({ action: "release" })}>{t("alert.release")}</button>
        <button type="button" disabled={bulk.isPending} onClick={() => setSnoozing(true)}>{t("alert.snooze")}</button>
        <button type="button" disabled={open.isPending} onClick={() => open.mutate([...chosen])}>{t("alert.openCase")}</button>
        <Dispose busy={bulk.isPending} what={t("alert.closeMany", { n: chosen.size })} onDispose={(disposition: Disposition, note, done) => act({ action: "close", disposition, note: note || null, done })} />
      </>}>
        <Result of={found} empty={(data) => data.alerts.length === 0 && pages.page === 1 && <Empty title={t(asked === "" ? "alert.none" : "alert.noneSo")}>{t(asked === "" ? "alert.noneHint" : "search.noneHint")}</Empty>}>
          {(data) => (<>
            <DataTable columns={columns} rows={data.alerts} caption={t("nav.alerts")} idOf={(one) => one.id} walk onOpen={(one) => go(alertPath(one.id))}
              sorting={{ by: search.get("sort") ?? "-priority", onSort: (sort) => set({ sort }) }} onCurrent={(one) => { current.current = one; }}
              {...(mayChange ? { selected: chosen, onSelect: setChosen } : {})} />
            <footer><Pager pages={pages} next={data.next} shown={data.alerts.length} /></footer>
          </>)}
        </Result>
      </Card>
      <Snooze open={snoozing} onClose={() => setSnoozing(false)} busy={bulk.isPending} onSnooze={(until, note) => act({ action: "snooze", until, note: note || null })} />
    </Page>
  );
}

export function Snooze({ open, onClose, onSnooze, busy }: { open: boolean; onClose: () => void; onSnooze: (until: string, note: string) => void; busy: boolean }) {
  const { t } = useWords();
  const [hours, setHours] = useState<"1" | "4" | "24" | "168">("24");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSnooze(new Date(Date.now() + Number(hours) * 3600000).toISOString(), String(new FormData(event.currentTarget).get("note") ?? "").trim());
  };
  return (
    <Modal title={t("alert.snoozeTitle")} open={open} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <Choice name={t("alert.snoozeFor")} value={hours} onChange={setHours} options={[["1", t("alert.hours", { n: 1 })], ["4", t("alert.hours", { n: 4 })], ["24", t("alert.days", { n: 1 })], ["168", t("alert.days", { n: 7 })]]} />
        <label className="field"><span>{t("note.optional")}</span><input name="note" maxLength={512} /></label>
        <div className="row end"><button type="button" onClick={onClose}>{t("cancel")}</button><button className="primary" disabled={busy}>{t("alert.snooze")}</button></div>
      </form>
    </Modal>
  );
}

/** Filters that a person keeps under a name. */
function Views({ query, onOpen }: { query: string; onOpen: (query: string) => void }) {
  const { t } = useWords();
  const [saving, setSaving] = useState(false);
  const views = useAsk(["views"], (signal) => api.GET("/v1/views", { signal }), { staleTime: 60_000 });
  const save = useChange((name: string) => the(api.POST("/v1/views", { body: { name, query } })), { stale: [["views"]], done: () => setSaving(false) });
  const remove = useChange((name: string) => the(api.DELETE("/v1/views/{name}", { params: { path: { name } } })), { stale: [["views"]] });
  const all = views.data?.views ?? [];
  if (all.length === 0 && query === "") return null;
  return (
    <div className="row">
      {all.length > 0 && <span className="dim small">{t("view.saved")}</span>}
      {all.map((one) => (
        <span key={one.name} className="chip row tight">
          <button type="button" className="link" onClick={() => onOpen(one.query)}>{one.name}</button>
          <button type="button" className="link" aria-label={t("view.remove", { name: one.name })} onClick={() => remove.mutate(one.name)}>×</button>
        </span>
      ))}
      {query !== "" && <button type="button" className="quiet" onClick={() => setSaving(true)}>{t("view.save")}</button>}
      <Modal title={t("view.save")} open={saving} onClose={() => setSaving(false)}>
        <form className="stack" onSubmit={(event) => { event.preventDefault(); save.mutate(String(new FormData(event.currentTarget).get("name"))); }}>
          <label className="field"><span>{t("view.name")}</span><input name="name" required maxLength={64} /></label>
          <div className="row end"><button type="button" onClick={() => setSaving(false)}>{t("cancel")}</button><button className="primary" disabled={save.isPending}>{t("save")}</button></div>
        </form>
      </Modal>
    </div>
  );
}
