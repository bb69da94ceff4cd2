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

const KEPT = 120; // seconds on the page
const ROWS = 15;

export function useLive(paused: boolean) {
  const [state, setState] = useState<{ seconds: Second[]; newest: Row[]; lost: boolean }>({ seconds: [], newest: [], lost: false });
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
          lost: false,
        }));
      });
      stream.onerror = () => {
        setState((was) => ({ ...was, lost: true }));
        // What the server refused is closed and not tried again by the browser.
        if (stream?.readyState === EventSource.CLOSED) timer = window.setTimeout(open, 5000);
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
