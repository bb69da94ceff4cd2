// What a page shows where it has nothing to show: loading, empty, failed, not allowed.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import type { Route } from "../api/roles";
import { useSession } from "../app/session";
import { type Translate, useWords } from "../i18n";

export function describe(error: ApiError, t: Translate): string {
  if (error.status === 0) return t("error.unreachable");
  if (error.status === 403) return t("error.forbidden");
  if (error.status === 429) return t("error.busy", { s: error.retryAfter ?? 1 });
  const parts = (error.problem.errors ?? []).map((one) => (one.pointer ? `${one.pointer}: ${one.detail}` : one.detail));
  return parts.length > 0 ? parts.join("; ") : error.message;
}

export function Loading({ rows = 4 }: { rows?: number }) {
  const { t } = useWords();
  return (
    <div className="state loading" role="status">
      <span className="hidden">{t("loading")}</span>
      {Array.from({ length: rows }, (_, i) => <div key={i} className="bone" />)}
    </div>
  );
}

export function Empty({ title, children }: { title?: string; children?: ReactNode }) {
  const { t } = useWords();
  return (
    <div className="state">
      <p className="strong">{title ?? t("empty")}</p>
      {children !== undefined && <p className="dim">{children}</p>}
    </div>
  );
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useWords();
  if (error instanceof ApiError && error.status === 403) return <NoPermission />;
  const text = error instanceof ApiError ? describe(error, t) : String(error);
  return (
    <div className="state bad" role="alert">
      <p className="strong">{error instanceof ApiError && error.status === 404 ? t("error.notFound") : t("error.title")}</p>
      <p>{text}</p>
      {error instanceof ApiError && error.problem.request_id !== undefined && (
        <p className="dim small">{t("error.request", { id: error.problem.request_id })}</p>
      )}
      {retry !== undefined && <button type="button" onClick={retry}>{t("retry")}</button>}
    </div>
  );
}

export function NoPermission() {
  const { t } = useWords();
  const { who } = useSession();
  return (
    <div className="state" role="alert">
      <p className="strong">{t("forbidden.title")}</p>
      <p className="dim">{t("forbidden.text", { roles: who?.roles.join(", ") || "–" })}</p>
    </div>
  );
}

/** Its children where the signed-in person may ask `route`; else the words why not. */
export function Allowed({ route, children }: { route: Route; children: ReactNode }) {
  return useSession().may(route) ? children : <NoPermission />;
}

/** A query's answer, or its state. */
export function Result<T>({ of, children, empty }: {
  of: UseQueryResult<T>; children: (data: T) => ReactNode; empty?: (data: T) => ReactNode | false;
}) {
  if (of.isPending) return <Loading />;
  if (of.isError && of.data === undefined) return <Failed error={of.error} retry={() => void of.refetch()} />;
  const nothing = empty?.(of.data as T);
  return nothing ? nothing : children(of.data as T);
}
