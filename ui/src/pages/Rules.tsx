import type { ColumnDef } from "@tanstack/react-table";
import { useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { api, type Schemas } from "../api/client";
import { useAsk } from "../api/hooks";
import { useMay } from "../app/session";
import { Card, Choice, Outcome, Page, personText, When } from "../components/basics";
import { DataTable } from "../components/DataTable";
import { RuleState } from "../components/rules";
import { Empty, Result } from "../components/states";
import { useWords } from "../i18n";

type Rule = Schemas["Rule"];
const path = (name: string) => `/rules/${encodeURIComponent(name)}`;

export default function Rules() {
  const { t, number } = useWords();
  const may = useMay();
  const [, go] = useLocation();
  const [which, setWhich] = useState<"force" | "draft" | "all">("all");
  const asked = useAsk(["rules"], (signal) => api.GET("/v1/rules", { signal }));
  const columns = useMemo<ColumnDef<Rule>[]>(() => [
    { id: "name", header: t("rule.name"), cell: ({ row }) => <Link className="strong" href={path(row.original.name)}>{row.original.name}</Link>, meta: { nowrap: true, lead: true } },
    { id: "state", header: t("rule.state"), cell: ({ row: { original: rule } }) => (
      <span className="row">
        {rule.in_force !== null && rule.in_force.version !== rule.version && <RuleState of={rule.in_force.state} />}
        <RuleState of={rule.state} />
      </span>
    ) },
    { id: "when", header: t("rule.when"), cell: ({ row }) => <code>{row.original.when}</code>, meta: { wide: true, lead: true } },
    { id: "then", header: t("rule.then"), cell: ({ row }) => <Outcome of={row.original.then} /> },
    { id: "hits", header: t("rule.hits"), cell: ({ row }) => row.original.hits === null ? "–" : number(row.original.hits), meta: { number: true } },
    { id: "author", header: t("rule.author"), cell: ({ row }) => row.original.origin === "settings" ? <span className="dim">{t("rule.fromSettings")}</span> : personText(row.original.author) },
    { id: "changed", header: t("rule.changed"), cell: ({ row }) => <When at={row.original.changed} ago />, meta: { nowrap: true } },
  ], [t, number]);
  const shown = (rules: Rule[]) => rules.filter((rule) =>
    which === "all" ? rule.state !== "retired" || rule.in_force !== null : which === "force" ? rule.in_force !== null : rule.state === "draft" || rule.state === "approved");
  return (
    <Page title={t("nav.rules")} lead={t("rule.lead")} actions={may("POST /v1/rules") && <Link className="button" href="/rules/+">{t("rule.new")}</Link>}>
      <Choice name={t("rule.show")} value={which} onChange={setWhich}
        options={[["all", t("all")], ["force", t("rule.inForce")], ["draft", t("rule.waiting")]]} />
      <Card bare>
        <Result of={asked} empty={(data) => shown(data.rules).length === 0 && <Empty title={t("rule.none")}>{t("rule.noneHint")}</Empty>}>
          {(data) => <DataTable columns={columns} rows={shown(data.rules)} caption={t("nav.rules")} idOf={(rule) => rule.name} onOpen={(rule) => go(path(rule.name))} walk />}
        </Result>
      </Card>
    </Page>
  );
}
