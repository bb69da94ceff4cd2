// What is happening, second by second: a stream of server-sent events, kept for as long as a page shows it.
import { useEffect, useState } from "react";
import type { Row } from "./hooks";

export interface Latency {
  count: number;
  p50_us: number;
  p99_us: number;
}
export interface Second {
  time: string;
  uptime_s: number;
  ready: boolean;
  decisions: number;
  per_second: number;
  by_outcome: Record<string, number>;
  scores: number[];
  latency: Latency | null;
  queue: number;
  store_lag: number;
  alerts_open: number | null;
  newest: Row[];
}
export interface Bucket {
  time: string;
  decisions: number;
  by_outcome: Record<string, number>;
  scores: number[];
  latency: Latency | null;
}
export interface Traffic {
  window: string;
  step_s: number;
  from: string;
  to: string;
  buckets: Bucket[];
  store_lag: number;
}

const KEPT = 60; // seconds on the page
const ROWS = 15;
const AGAIN_MS = 5000;

/** The last minute in the shape of traffic: a bucket a second. */
export function lastMinute(seconds: Second[]): Traffic {
  const last = seconds.at(-1);
  const end = Math.round((last === undefined ? Date.now() : Date.parse(last.time)) / 1000) * 1000;
  const at = new Map(seconds.map((one) => [Math.round(Date.parse(one.time) / 1000) * 1000, one]));
  const outcomes = Object.fromEntries(Object.keys(last?.by_outcome ?? {}).map((name) => [name, 0]));
  const buckets = Array.from({ length: KEPT }, (_, i): Bucket => {
    const time = end - (KEPT - 1 - i) * 1000;
    const one = at.get(time);
    return { time: new Date(time).toISOString(), decisions: one?.per_second ?? 0, by_outcome: one?.by_outcome ?? outcomes, scores: one?.scores ?? [], latency: one?.latency ?? null };
  });
  return { window: "1m", step_s: 1, from: buckets[0]!.time, to: buckets.at(-1)!.time, buckets, store_lag: last?.store_lag ?? 0 };
}

export function useLive(paused: boolean) {
  const [state, setState] = useState<{ seconds: Second[]; newest: Row[]; lost: boolean; full: boolean }>({ seconds: [], newest: [], lost: false, full: false });
  useEffect(() => {
    if (paused) return;
    let stream: EventSource | null = null;
    let timer = 0;
    const open = () => {
      stream = new EventSource("/v1/live");
      stream.addEventListener("second", (event) => {
        const now = JSON.parse((event as MessageEvent<string>).data) as Second;
        setState((was) => ({
          seconds: [...was.seconds.filter((one) => one.time < now.time).slice(1 - KEPT), now],
          newest: [...now.newest, ...was.newest.filter((one) => !now.newest.some((other) => other.seq === one.seq))].slice(0, ROWS),
          lost: false, full: false,
        }));
      });
      stream.onerror = () => {
        setState((was) => ({ ...was, lost: true }));
        // What the server refused is closed and not tried again by the browser.
        if (stream?.readyState !== EventSource.CLOSED) return;
        timer = window.setTimeout(open, AGAIN_MS);
        // An event source does not say why.
        fetch("/v1/live", { method: "HEAD" }).then(({ status }) => setState((was) => ({ ...was, full: status === 429 })), () => {});
      };
    };
    open();
    return () => {
      clearTimeout(timer);
      stream?.close();
    };
  }, [paused]);
  return state;
}
