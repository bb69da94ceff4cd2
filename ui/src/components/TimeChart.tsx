// Values over time on a canvas (uPlot), which is told its colours anew when the theme changes.
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useShownTheme } from "../app/preferences";
import { useWords } from "../i18n";

// Counts have no fractions.
const whole = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7];

/** Which values have no neighbour that a line could lead to. */
const alone = (values: ArrayLike<number | null | undefined>) =>
  Array.from(values, (_, i) => i).filter((i) => values[i] != null && values[i - 1] == null && values[i + 1] == null);

export interface Series {
  name: string;
  colour: string; // a CSS variable: "--good-line"
  values: (number | null)[];
}

export function TimeChart({ times, series, caption, height = 190, stacked, bars, format }: {
  times: number[]; // seconds since 1970
  series: Series[]; caption: string; height?: number; stacked?: boolean; bars?: boolean; format?: (value: number) => string;
}) {
  const words = useWords();
  const theme = useShownTheme();
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const data = useRef<uPlot.AlignedData>([[]]);

  const sums: (number | null)[][] = [];
  for (const [i, one] of series.entries())
    sums.push(one.values.map((value, at) => (stacked && i > 0 && value !== null ? value + (sums[i - 1]![at] ?? 0) : value)));
  data.current = [times, ...(stacked ? [...sums].reverse() : sums)];
  const names = series.map((one) => one.name + one.colour).join("|");
  const clock = useRef(words);
  clock.current = words;

  useEffect(() => {
    const box = frame.current;
    if (box === null) return;
    const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const shown = stacked ? [...series].reverse() : series;
    const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    const made = new uPlot({
      width: box.clientWidth || 400, height, cursor: { y: false, drag: { x: false, y: false } }, legend: { show: false },
      padding: [8, 8, 0, 0],
      scales: {
        // A bar is as wide as a step: half of one stands out at each end.
        x: { range: (chart, low, high) => { const half = bars ? (high - low) / Math.max(chart.data[0].length - 1, 1) / 2 : 0; return [low - half, high + half]; } },
        y: { range: (_, __, high) => [0, high > 0 ? high * 1.08 : 1] },
      },
      axes: [
        { ...axis, size: 26, values: (_, at) => at.map((s) => (at.length > 1 && at.at(-1)! - at[0]! > 200000 ? clock.current.date(s * 1000) : at.length > 1 && at.at(-1)! - at[0]! < 300 ? clock.current.time(s * 1000) : clock.current.time(s * 1000).replace(/[:.]\d\d$/, ""))), space: 80 },
        { ...axis, size: 58, ...(format ? {} : { incrs: whole }), values: (_, at) => at.map((v) => (format ? format(v) : clock.current.number(v, 1))) },
      ],
      series: [{}, ...shown.map((one) => ({
        label: one.name, stroke: colour(one.colour), width: 1.5, points: { size: 5, filter: (_chart: uPlot, at: number) => (stacked || bars ? [] : alone(_chart.data[at]!)) },
        ...(stacked || bars ? { fill: colour(one.colour) } : {}),
        ...(bars ? { paths: uPlot.paths.bars!({ size: [0.85, 40] }), width: 0 } : {}), // a bar's rim would stand at 0 too
      }))],
    }, data.current, box);
    chart.current = made;
    const watcher = new ResizeObserver(() => made.setSize({ width: box.clientWidth, height }));
    watcher.observe(box);
    return () => {
      watcher.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [names, theme, height, stacked, bars, words.language]);

  useEffect(() => chart.current?.setData(data.current), [times, series]);
  return <div ref={frame} className="chart" role="img" aria-label={caption} />;
}
