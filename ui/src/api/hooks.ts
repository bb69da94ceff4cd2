// Questions and changes as the pages ask them.
import { keepPreviousData, type Query, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { KEY as SESSION, useMay, useSession } from "../app/session";
import { useToasts } from "../app/toasts";
import { ApiError, api, csrfNow, type Schemas, the } from "./client";

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** A question; while another page of it is on its way, the one before stays. */
export const useAsk = <T>(key: readonly unknown[], ask: (signal: AbortSignal) => Promise<Answer<T>>, more: {
  enabled?: boolean; refetchInterval?: number | false | ((query: Query<T>) => number | false); staleTime?: number; keep?: boolean;
} = {}) => {
  const { keep, ...rest } = more;
  return useQuery<T>({
    queryKey: key,
    queryFn: ({ signal }) => the(ask(signal)),
    ...(keep ? { placeholderData: keepPreviousData as never } : {}),
    ...rest,
  });
};

/** The name of a person or key as the API writes them, "user:ann" or "key:2a316a9b1de8"; null: nobody. Names of keys are
 * known to whom the keys are shown, others read that it was a key. */
export function useWho() {
  const may = useMay();
  const keys = useAsk(["keys"], (signal) => api.GET("/v1/keys", { signal }), { enabled: may("GET /v1/keys"), staleTime: 300_000 });
  const known = keys.data?.items;
  return useCallback((who: string | null | undefined) => {
    if (!who) return null;
    const [kind, id] = [who.slice(0, who.indexOf(":")), who.slice(who.indexOf(":") + 1)];
    return kind === "key" ? (known?.find((one) => one.id === id)?.name ?? `key ${id}`) : id;
  }, [known]);
}

/** A change; what it makes stale is asked for again, and a refusal is told. */
export function useChange<V, T>(change: (variables: V) => Promise<T>, more: {
  stale?: readonly (readonly unknown[])[]; done?: (data: T, variables: V) => void; quiet?: boolean;
} = {}) {
  const client = useQueryClient();
  const { fail } = useToasts();
  const { who } = useSession();
  return useMutation<T, unknown, V>({
    mutationFn: async (variables) => {
      const csrf = csrfNow();
      try {
        return await change(variables);
      } catch (refused) {
        if (!(refused instanceof ApiError) || refused.status !== 403) throw refused;
        // The same person may have signed in again in another tab: then this tab's word against forgery is an old one.
        await client.refetchQueries({ queryKey: SESSION });
        const now = client.getQueryData<Schemas["Who"] | null>(SESSION);
        if (csrfNow() === csrf || now?.id !== who?.id || now?.kind !== who?.kind) throw refused;
        return change(variables);
      }
    },
    onSuccess: async (data, variables) => {
      await Promise.all((more.stale ?? []).map((queryKey) => client.invalidateQueries({ queryKey })));
      more.done?.(data, variables);
    },
    onError: (cause) => {
      if (!more.quiet) fail(cause);
      // Somebody else was quicker: the page shows what they did.
      if (cause instanceof ApiError && cause.status === 409)
        for (const queryKey of more.stale ?? []) void client.invalidateQueries({ queryKey });
    },
  });
}

export interface InForce {
  outcomes: string[]; // mildest first
  entities: { kind: string; field: string | null }[];
  thresholds: [string, number][];
  alertCost: number | null;
  hasRollups: boolean;
}

/** What the pages need of the settings in force. The server prints every key on a line of its own, so lines will do. */
export function readSettings(yaml: string): InForce {
  const lines = yaml.split("\n").map((line) => line.replace(/ {2}#.*$/, ""));
  const block = (name: string) => {
    const at = lines.findIndex((line) => line.startsWith(`${name}:`));
    if (at < 0) return { inline: "", under: [] as string[] };
    const end = lines.findIndex((line, i) => i > at && /^\S/.test(line));
    return { inline: lines[at]!.slice(name.length + 1).trim(), under: lines.slice(at + 1, end < 0 ? undefined : end) };
  };
  const bare = (text: string) => text.trim().replace(/^['"`]+|['"`]+$/g, "");
  const outcomes = block("outcomes");
  const listed = outcomes.inline.startsWith("[") ? outcomes.inline.slice(1, -1).split(",") : outcomes.under.map((line) => line.replace(/^\s*-/, ""));
  const entities: InForce["entities"] = [];
  for (const line of block("entities").under) {
    const kind = /^ {2}(\S[^:]*):\s*(.*)$/.exec(line);
    const key = /^ {4}key:\s*(.*)$/.exec(line);
    const field = (text: string) => (/^`?[\p{L}\d_ ]+`?$/u.test(text) ? bare(text) : null);
    if (kind) entities.push({ kind: bare(kind[1]!), field: kind[2] === "" ? null : field(kind[2]!) });
    else if (key && entities.length > 0) entities.at(-1)!.field = field(key[1]!);
  }
  const thresholds: [string, number][] = [];
  for (const line of block("decision").under) {
    const one = /^ {2}(\S[^:]*):\s*(\d+)$/.exec(line);
    // Beside the outcomes, `decision` has deadlines and budgets.
    if (one && listed.some((outcome) => bare(outcome) === bare(one[1]!))) thresholds.push([bare(one[1]!), Number(one[2])]);
  }
  const cost = /^ {2}alert_cost:\s*([\d.]+)/m.exec(block("model").under.join("\n"));
  return { outcomes: listed.map(bare).filter((one) => one !== ""), entities, thresholds, alertCost: cost ? Number(cost[1]) : null, hasRollups: block("rollups").under.length > 0 };
}

export const useSettings = () => useAsk(["settings"], (signal) => api.GET("/v1/settings", { signal }), { staleTime: 300_000 });
const nothing: InForce = { outcomes: [], entities: [], thresholds: [], alertCost: null, hasRollups: false };
const inForce = new WeakMap<object, InForce>(); // by the answer: each row of a table asks
export function useInForce(): InForce {
  const { data } = useSettings();
  if (data === undefined) return nothing;
  if (!inForce.has(data)) inForce.set(data, readSettings(data.yaml));
  return inForce.get(data)!;
}

export type Row = Schemas["DecisionRow"];

const over = (job: Schemas["Job"] | undefined) => job !== undefined && job.state !== "running";

/** A job, asked for until it has ended. */
export function useJob(started: Schemas["Job"] | undefined) {
  const asked = useQuery({
    queryKey: ["job", started?.id],
    queryFn: ({ signal }) => the(api.GET("/v1/jobs/{id}", { params: { path: { id: started!.id } }, signal })),
    enabled: started !== undefined && !over(started),
    refetchInterval: (query) => (over(query.state.data) ? false : 700),
    staleTime: 0,
  });
  return over(started) ? started : (asked.data ?? started);
}
