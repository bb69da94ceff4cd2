// Rows of decisions, as search, entity and live show them.
import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";
import { useLocation } from "wouter";
import type { Row } from "../api/hooks";
import { useWords } from "../i18n";
import { DecisionLink, decisionPath, Label, Outcome, Score, When } from "./basics";
import { DataTable, type Sorting } from "./DataTable";

export function Decisions({ rows, caption, sorting, walk }: { rows: Row[]; caption: string; sorting?: Sorting; walk?: boolean }) {
  const { t } = useWords();
  const [, go] = useLocation();
  const columns = useMemo<ColumnDef<Row>[]>(() => [
    { id: "id", header: t("decision.event"), cell: ({ row }) => <DecisionLink id={row.original.id} />, meta: { nowrap: true } },
    { id: "time", header: t("decision.time"), cell: ({ row }) => <When at={row.original.time} />, meta: { sort: "time", nowrap: true } },
    { id: "outcome", header: t("decision.outcome"), cell: ({ row }) => <Outcome of={row.original.outcome} /> },
    { id: "score", header: t("decision.score"), cell: ({ row }) => <Score of={row.original.score} level={row.original.level} />, meta: { number: true, sort: "score" } },
    { id: "rules", header: t("decision.rules"), cell: ({ row }) => row.original.rules.length === 0 ? <span className="dim">–</span> : <span className="chips">{row.original.rules.map((rule) => <span key={rule} className="chip">{rule}</span>)}</span> },
    { id: "label", header: t("label.title"), cell: ({ row }) => <Label of={row.original.label} /> },
  ], [t]);
  return (
    <DataTable columns={columns} rows={rows} caption={caption} idOf={(row) => row.id} sorting={sorting} walk={walk}
      onOpen={(row) => go(decisionPath(row.id))} />
  );
}
