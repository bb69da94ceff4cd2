// Drawings in SVG, small and without a library: bars, lines over two axes, a waterfall. Each has its figures in words
// for a screen reader.
import type { ReactNode } from "react";
import { useWords } from "../i18n";
import type { Tone } from "./basics";

/** Bars over equal steps; `marks` are thresholds, in steps from the left. The drawing is as wide as there is room, and its
 * words stand beside it, so that they can be read on a phone. */
export function Histogram({ counts, labels, caption, marks = [], toneOf, height = 130, log, format }: {
  counts: number[]; labels: [string, string]; caption: string; marks?: { at: number; text: string }[];
  toneOf?: (i: number) => Tone; height?: number; log?: boolean; format?: (count: number) => string;
}) {
  const words = useWords();
  const W = 480;
  const scale = (n: number) => (log ? Math.log1p(n) : n);
  const most = Math.max(...counts, 1);
  const step = W / Math.max(counts.length, 1);
  return (
    <figure className="chart stretched" role="img" aria-label={caption}>
      {marks.length > 0 && <div className="marks" aria-hidden="true">{marks.map((mark) => <span key={mark.text} style={{ insetInlineStart: `${(100 * mark.at) / counts.length}%` }}>{mark.text}</span>)}</div>}
      <svg viewBox={`0 0 ${W} ${height}`} preserveAspectRatio="none" height={height}>
        {counts.map((n, i) => {
          const h = n === 0 ? 0 : Math.max(1.5, (scale(n) / scale(most)) * (height - 2));
          return (
            <rect key={i} className={`tone-${toneOf?.(i) ?? "info"}`} x={i * step + 1} width={Math.max(step - 2, 0.5)} y={height - h} height={h}>
              <title>{(format ?? words.number)(n)}</title>
            </rect>
          );
        })}
        {marks.map((mark) => <line key={mark.text} className="axis-line" vectorEffect="non-scaling-stroke" strokeDasharray="3 3" x1={mark.at * step} x2={mark.at * step} y1="0" y2={height} />)}
        <line className="axis-line" vectorEffect="non-scaling-stroke" x1="0" x2={W} y1={height - 0.5} y2={height - 0.5} />
      </svg>
      <div className="ends" aria-hidden="true"><span>{labels[0]}</span><span>{labels[1]}</span></div>
    </figure>
  );
}

/** Several lines over [0, 1] x [0, 1]. */
export function UnitChart({ lines, x, y, caption, diagonal }: {
  lines: { name: string; at: [number, number][] }[]; x: string; y: string; caption: string; diagonal?: boolean;
}) {
  const words = useWords();
  const S = 240, left = 46, bottom = 30;
  const px = (v: number) => left + v * S;
  const py = (v: number) => 8 + (1 - v) * S;
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return (
    <figure className="chart">
      <svg viewBox={`0 0 ${S + left + 12} ${S + bottom + 8}`} role="img" aria-label={caption}>
        {ticks.map((v) => (
          <g key={v}>
            <line className="grid-line" x1={px(0)} x2={px(1)} y1={py(v)} y2={py(v)} />
            <line className="grid-line" x1={px(v)} x2={px(v)} y1={py(0)} y2={py(1)} />
            <text x={px(v)} y={py(0) + 13} textAnchor="middle">{words.number(v, 2)}</text>
            <text x={px(0) - 4} y={py(v) + 4} textAnchor="end">{words.number(v, 2)}</text>
          </g>
        ))}
        {diagonal && <line className="axis-line" strokeDasharray="4 4" x1={px(0)} y1={py(0)} x2={px(1)} y2={py(1)} />}
        {lines.map((line, i) => (
          <polyline key={line.name} className={`line s${i % 5}`} points={line.at.map(([a, b]) => `${px(a).toFixed(1)},${py(b).toFixed(1)}`).join(" ")} />
        ))}
        <text x={px(0.5)} y={S + bottom + 4} textAnchor="middle">{x}</text>
        <text transform={`translate(9 ${py(0.5)}) rotate(-90)`} textAnchor="middle">{y}</text>
      </svg>
    </figure>
  );
}

export const Legend = ({ of }: { of: { name: ReactNode; swatch: string }[] }) => (
  <div className="legend">
    {of.map((one, i) => <span key={i}><i className={`swatch ${one.swatch}`} aria-hidden="true" />{one.name}</span>)}
  </div>
);

/** One step of a waterfall: from where the sum stood to where it stands now. */
export function WaterfallBar({ from, to, low, high, sum }: { from: number; to: number; low: number; high: number; sum?: boolean }) {
  const place = (v: number) => ((v - low) / (high - low || 1)) * 100;
  const [a, b] = [place(Math.min(from, to)), place(Math.max(from, to))];
  return (
    <svg aria-hidden="true" viewBox="0 0 100 16" preserveAspectRatio="none">
      {low < 0 && high > 0 && <line className="grid-line" x1={place(0)} x2={place(0)} y1="0" y2="16" vectorEffect="non-scaling-stroke" />}
      <rect className={sum ? "sum" : to >= from ? "up" : "down"} x={a} width={Math.max(b - a, 0.6)} y="2" height="12" />
    </svg>
  );
}

export function Tick({ share }: { share: number }) {
  return (
    <svg className="tick" aria-hidden="true" viewBox="0 0 100 16" preserveAspectRatio="none" width="56" height="8">
      <rect className="track" width="100" height="16" /><rect className="tone-info" x={Math.min(Math.max(share * 100 - 2, 0), 96)} width="4" height="16" />
    </svg>
  );
}

/** Counts by day as small bars: fraud over the rest; the height of the highest is said. */
export function DayBars({ days, caption }: { days: { day: string; hits: number; fraud: number }[]; caption: string }) {
  const words = useWords();
  const W = 600, H = 76;
  const most = Math.max(1, ...days.map((one) => one.hits));
  const step = W / Math.max(days.length, 1);
  const h = (n: number) => (n / most) * H;
  return (
    <figure className="chart stretched" role="img" aria-label={caption}>
      <div className="ends top" aria-hidden="true"><span>{words.number(most)}</span></div>
      <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" height={H}>
        <line className="grid-line" vectorEffect="non-scaling-stroke" x1="0" x2={W} y1="0.5" y2="0.5" />
        {days.map((one, i) => (
          <g key={one.day}>
            <title>{`${words.date(one.day)}: ${one.hits} / ${one.fraud}`}</title>
            <rect className="tone-neutral" x={i * step + 1} width={Math.max(step - 2, 0.5)} y={H - h(one.hits)} height={h(one.hits)} />
            <rect className="tone-bad" x={i * step + 1} width={Math.max(step - 2, 0.5)} y={H - h(one.fraud)} height={h(one.fraud)} />
          </g>
        ))}
        <line className="axis-line" vectorEffect="non-scaling-stroke" x1="0" x2={W} y1={H - 0.5} y2={H - 0.5} />
      </svg>
      <div className="ends" aria-hidden="true">{days.length > 0 && <span>{words.date(days[0]!.day)}</span>}{days.length > 1 && <span>{words.date(days.at(-1)!.day)}</span>}</div>
    </figure>
  );
}
