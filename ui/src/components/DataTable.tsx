// A table of one page of rows, from the server: never all. Rows can be walked with j and k and opened with Enter; on a
// narrow screen each row is a card.
import { type ColumnDef, flexRender, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { Fragment, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useShortcuts } from "../app/shortcuts";
import { useWords } from "../i18n";

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData, TValue> {
    number?: boolean;
    wide?: boolean;
    nowrap?: boolean;
    lead?: boolean; // the first line of a card
    plain?: boolean; // no name before the value in a card
    sort?: string; // what the server calls sorting by it
  }
}

export interface Sorting {
  by: string; // "-score": falling
  onSort: (by: string) => void;
}

interface Props<T> {
  columns: ColumnDef<T, any>[];
  rows: T[];
  caption: string; // for screen readers
  idOf: (row: T) => string;
  onOpen?: (row: T) => void;
  sorting?: Sorting;
  walk?: boolean; // j, k, Enter from anywhere on the page
  selected?: ReadonlySet<string>;
  onSelect?: (ids: Set<string>) => void;
  cards?: boolean;
  onCurrent?: (row: T | undefined) => void;
}

export function DataTable<T>({
  columns, rows, caption, idOf, onOpen, sorting, walk, selected, onSelect, cards = true, onCurrent,
}: Props<T>) {
  const { t } = useWords();
  const [current, setCurrent] = useState(-1);
  const body = useRef<HTMLTableSectionElement>(null);
  const table = useReactTable({ data: rows, columns, getCoreRowModel: getCoreRowModel(), getRowId: idOf });

  useEffect(() => onCurrent?.(rows[current]), [current, rows]);
  const move = (by: number) => {
    const to = Math.min(Math.max(current + by, 0), rows.length - 1);
    const row = body.current?.rows[to] as HTMLElement | undefined;
    setCurrent(to);
    row?.focus({ preventScroll: true }); // so that Enter opens it, and a screen reader reads it
    row?.scrollIntoView({ block: "nearest" });
  };
  const toggle = (id: string) => {
    const now = new Set(selected);
    if (!now.delete(id)) now.add(id);
    onSelect?.(now);
  };
  const at = () => (current >= 0 ? rows[current] : undefined);
  useShortcuts(
    !walk ? [] : [
      { keys: "j", what: t("shortcuts.next"), run: () => move(1) },
      { keys: "k", what: t("shortcuts.previous"), run: () => move(-1) },
      ...(onOpen ? [{ keys: "o", what: t("shortcuts.open"), run: () => { const row = at(); if (row) onOpen(row); } }] : []),
      ...(onSelect ? [{ keys: "x", what: t("shortcuts.select"), run: () => { const row = at(); if (row) toggle(idOf(row)); } }] : []),
    ],
  );

  const sortOf = (by: string): "ascending" | "descending" | "none" =>
    sorting?.by === by ? "ascending" : sorting?.by === `-${by}` ? "descending" : "none";
  const name = (column: ColumnDef<T, any>) => (typeof column.header === "string" ? column.header : "");
  const enter = (event: KeyboardEvent, row: T) => {
    if (event.key === "Enter" && event.target === event.currentTarget) onOpen?.(row);
  };
  const all = rows.length > 0 && rows.every((row) => selected?.has(idOf(row)));

  return (
    <div className="scroll" tabIndex={cards ? undefined : 0} role={cards ? undefined : "group"} aria-label={cards ? undefined : caption}>
      <table className={cards ? "cards" : undefined} role="table">
        <caption className="hidden">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {onSelect && (
              <th role="columnheader" scope="col">
                <input type="checkbox" aria-label={t("table.all")} checked={all}
                  onChange={() => onSelect(all ? new Set() : new Set(rows.map(idOf)))} />
              </th>
            )}
            {table.getFlatHeaders().map((header) => {
              const { meta, header: title } = header.column.columnDef;
              const by = meta?.sort;
              const order = by === undefined ? "none" : sortOf(by);
              return (
                <th key={header.id} role="columnheader" scope="col" className={meta?.number ? "number" : undefined}
                  aria-sort={by === undefined || sorting === undefined ? undefined : order}>
                  {by !== undefined && sorting !== undefined ? (
                    <button type="button" className="sort" onClick={() => sorting.onSort(order === "descending" ? by : `-${by}`)}>
                      {title as ReactNode}
                      <span aria-hidden="true">{order === "descending" ? "↓" : order === "ascending" ? "↑" : "↕"}</span>
                    </button>
                  ) : (title as string) === "" ? <span className="hidden">{t("table.actions")}</span> : (title as ReactNode)}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody ref={body} role="rowgroup">
          {table.getRowModel().rows.map((row, i) => (
            <tr key={row.id} role="row" className={onOpen ? "openable" : undefined} aria-selected={walk ? i === current : undefined}
              tabIndex={onOpen ? 0 : undefined} onKeyDown={(event) => enter(event, row.original)}
              onFocus={(event) => { if (walk && event.target === event.currentTarget) setCurrent(i); }}
              onClick={(event) => {
                setCurrent(i);
                if (onOpen && !(event.target as HTMLElement).closest("a,button,input,label,select") && getSelection()?.toString() === "")
                  onOpen(row.original);
              }}>
              {onSelect && (
                <td role="cell" className="plain">
                  <input type="checkbox" aria-label={t("table.one", { id: row.id })} checked={selected?.has(row.id) ?? false}
                    onChange={() => toggle(row.id)} />
                </td>
              )}
              {row.getVisibleCells().map((cell) => {
                const { meta } = cell.column.columnDef;
                const kind = ["number", "wide", "nowrap", "lead", "plain"].filter((one) => meta?.[one as "number"]);
                return (
                  <td key={cell.id} role="cell" className={kind.join(" ") || undefined} data-label={name(cell.column.columnDef) || undefined}>
                    {flexRender(cell.column.columnDef.cell, cell.getContext())}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export interface Head {
  title: string;
  kind?: "number" | "wide" | "nowrap" | "lead" | "plain"; // lead: names the row
  hidden?: boolean; // the title is for screen readers only
}

/** A table without a page of its own or keys, of which each row is a card on a narrow screen; `more` stands under its row. */
export function Cards({ head, rows, caption }: { head: Head[]; rows: { key: string; cells: ReactNode[]; more?: ReactNode }[]; caption: string }) {
  return (
    <div className="scroll" tabIndex={0} role="group" aria-label={caption}>
      <table className="cards" role="table">
        <thead role="rowgroup"><tr role="row">{head.map((one) => (
          <th key={one.title} role="columnheader" scope="col" className={one.kind === "number" ? "number" : undefined}>{one.hidden ? <span className="hidden">{one.title}</span> : one.title}</th>
        ))}</tr></thead>
        <tbody role="rowgroup">{rows.map((row) => (
          <Fragment key={row.key}>
            <tr role="row">{row.cells.map((cell, i) => {
              const { kind, title, hidden } = head[i]!;
              return kind === "lead" ? <th key={i} role="rowheader" scope="row" className="lead">{cell}</th>
                : <td key={i} role="cell" className={kind} data-label={hidden ? undefined : title}>{cell}</td>;
            })}</tr>
            {row.more !== undefined && <tr role="row" className="more"><td role="cell" colSpan={head.length}>{row.more}</td></tr>}
          </Fragment>
        ))}</tbody>
      </table>
    </div>
  );
}

/** Cursors of the pages that were seen, so that one can go back; starts anew when `of` changes. */
export function usePages(of: string) {
  const [state, setState] = useState<{ of: string; cursors: string[] }>({ of, cursors: [] });
  const cursors = state.of === of ? state.cursors : [];
  return {
    cursor: cursors.at(-1),
    page: cursors.length + 1,
    back: () => setState({ of, cursors: cursors.slice(0, -1) }),
    on: (next: string) => setState({ of, cursors: [...cursors, next] }),
  };
}

export function Pager({ pages, next, shown }: { pages: ReturnType<typeof usePages>; next: string | null | undefined; shown: number }) {
  const { t } = useWords();
  return (
    <nav className="pager" aria-label={t("pager.name")}>
      <span className="dim small">{t("pager.page", { page: pages.page, n: shown })}</span>
      <span className="row">
        <button type="button" disabled={pages.page === 1} onClick={pages.back}>{t("pager.back")}</button>
        <button type="button" disabled={!next} onClick={() => next && pages.on(next)}>{t("pager.on")}</button>
      </span>
    </nav>
  );
}
