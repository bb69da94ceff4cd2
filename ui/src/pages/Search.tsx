import { type FormEvent, useEffect, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { api } from "../api/client";
import { useAsk, useInForce } from "../api/hooks";
import { Card, Choice, decisionPath, Page, Select } from "../components/basics";
import { Pager, usePages } from "../components/DataTable";
import { Decisions } from "../components/decisions";
import { Empty, Result } from "../components/states";
import { useWords } from "../i18n";

const names = ["from", "to", "outcome", "level", "rule", "label", "entity", "min_score", "max_score", "id_prefix"] as const;
type Name = (typeof names)[number];

// What the form's date fields hold is in this browser's time; the server takes UTC.
const toUtc = (local: string) => {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
};
const toLocal = (utc: string) => {
  const at = new Date(utc);
  if (Number.isNaN(at.getTime())) return "";
  const two = (n: number) => String(n).padStart(2, "0");
  return `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
};

export default function Search() {
  const { t } = useWords();
  const [, go] = useLocation();
  const [search, setSearch] = useSearchParams();
  const { outcomes, entities } = useInForce();
  // The draft has the dates as they are typed: in 0002, the year 2026 on its way, some zones are off by odd seconds, and
  // what would come back from UTC is not what was typed.
  const read = () => Object.fromEntries(names.map((name) => { const given = search.get(name) ?? ""; return [name, name === "from" || name === "to" ? toLocal(given) : given]; })) as Record<Name, string>;
  const [draft, setDraft] = useState(read);
  const sort = search.get("sort") ?? "-time";
  const asked = search.toString();
  useEffect(() => setDraft(read()), [asked]);

  const pages = usePages(asked);
  const query = Object.fromEntries([...search].filter(([name, value]) => value !== "" && (names.includes(name as Name) || name === "sort")));
  const found = useAsk(["decisions", asked, pages.cursor], (signal) =>
    api.GET("/v1/decisions", { params: { query: { ...query, limit: 50, cursor: pages.cursor } as never }, signal }), { keep: true });

  const set = (name: Name) => (value: string) => setDraft((now) => ({ ...now, [name]: value }));
  const apply = (changes: Partial<Record<Name | "sort", string>> = {}) => {
    const now = { ...draft, from: toUtc(draft.from), to: toUtc(draft.to), sort, ...changes };
    setSearch(Object.fromEntries(Object.entries(now).filter(([, value]) => value !== "" && value !== "-time")));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    apply();
  };
  const any = names.some((name) => search.get(name));
  const [kind, id] = draft.entity.includes(":") ? [draft.entity.split(":", 1)[0]!, draft.entity.slice(draft.entity.indexOf(":") + 1)] : ["", draft.entity];

  return (
    <Page title={t("search.title")} lead={t("search.lead")} actions={
      <Choice name={t("search.order")} value={sort.includes("score") ? "-score" : "-time"} onChange={(to) => apply({ sort: to })}
        options={[["-time", t("search.newest")], ["-score", t("search.riskiest")]]} />
    }>
      <Card>
        <form className="filters" onSubmit={submit} role="search" aria-label={t("search.title")}>
          <label className="field">
            <span>{t("search.id")}</span>
            <input type="search" value={draft.id_prefix} placeholder={t("search.idHint")} onChange={(event) => set("id_prefix")(event.target.value)}
              onKeyDown={(event) => {
                // A whole id is opened; what begins with it is listed.
                if (event.key === "Enter" && draft.id_prefix.trim() !== "") {
                  event.preventDefault();
                  const id = draft.id_prefix.trim();
                  api.GET("/v1/decisions/{id}", { params: { path: { id } } }).then(({ response }) => (response.ok ? go(decisionPath(id)) : apply({ id_prefix: id })), () => apply());
                }
              }} />
          </label>
          <Select name={t("search.kind")} value={kind} onChange={(to) => set("entity")(to === "" ? id : `${to}:${id}`)}
            options={[["", t("any")], ...entities.map((one) => [one.kind, one.kind] as const)]} />
          <label className="field"><span>{t("search.entity")}</span>
            <input value={id} disabled={kind === ""} onChange={(event) => set("entity")(`${kind}:${event.target.value}`)} /></label>
          <Select name={t("decision.outcome")} value={draft.outcome} onChange={set("outcome")} options={[["", t("any")], ...outcomes.map((one) => [one, one] as const)]} />
          <label className="field"><span>{t("search.from")}</span><input type="datetime-local" max="9999-12-31T23:59" value={draft.from} onChange={(event) => set("from")(event.target.value)} /></label>
          <label className="field"><span>{t("search.to")}</span><input type="datetime-local" max="9999-12-31T23:59" value={draft.to} onChange={(event) => set("to")(event.target.value)} /></label>
          <label className="field"><span>{t("search.min")}</span><input type="number" min="0" max="1000" value={draft.min_score} onChange={(event) => set("min_score")(event.target.value)} /></label>
          <label className="field"><span>{t("search.max")}</span><input type="number" min="0" max="1000" value={draft.max_score} onChange={(event) => set("max_score")(event.target.value)} /></label>
          <label className="field"><span>{t("search.level")}</span><input value={draft.level} onChange={(event) => set("level")(event.target.value)} /></label>
          <label className="field"><span>{t("search.rule")}</span><input value={draft.rule} onChange={(event) => set("rule")(event.target.value)} /></label>
          <Select name={t("label.title")} value={draft.label} onChange={set("label")}
            options={[["", t("any")], ["true", t("label.fraud")], ["false", t("label.legit")], ["null", t("label.none")]]} />
          <div className="row">
            <button className="primary">{t("search.do")}</button>
            {any && <button type="button" onClick={() => setSearch({})}>{t("search.clear")}</button>}
          </div>
        </form>
      </Card>
      <Card bare>
        <Result of={found} empty={(data) => data.decisions.length === 0 && (data.next
          // One answer looks at so many decisions and no more.
          ? <Empty title={t("search.noneSoFar")}><button type="button" onClick={() => pages.on(data.next!)}>{t("search.further")}</button></Empty>
          : <Empty title={t("search.none")}>{t(any ? "search.noneHint" : "search.noneYet")}</Empty>)}>
          {(data) => (
            <>
              {data.store_lag > 1000 && <p className="note warn">{t("search.behind", { n: data.store_lag })}</p>}
              <Decisions rows={data.decisions} caption={t("search.title")} walk sorting={{ by: sort, onSort: (to) => apply({ sort: to }) }} />
              <footer className="body"><Pager pages={pages} next={data.next} shown={data.decisions.length} /></footer>
            </>
          )}
        </Result>
      </Card>
    </Page>
  );
}
