// What rules would have done: the result of a backtest, read as an analyst asks it. Would it find fraud, whom would it
// bother, what do other rules find already, what does it cost.
import { DecisionLink, Facts, Outcome, Tiles, When } from "./basics";
import { DayBars, Legend } from "./charts";
import { useInForce } from "../api/hooks";
import { useWords } from "../i18n";

interface Counts {
  events: number;
  fraud: number;
  legit: number;
  unknown: number;
  amount?: number;
  fraud_amount?: number;
}
interface Interval {
  value: number;
  low: number;
  high: number;
}
interface RuleResult {
  rule: string;
  then: string;
  replaces: boolean;
  hits: Counts;
  changed: Counts;
  before?: Counts;
  precision: Interval | null;
  recall: Interval | null;
  false_positive_rate: Interval | null;
  cost: { alerts: number; fraud_found: number };
  overlap: Record<string, number>;
  days: { day: string; events: number; hits: number; fraud: number }[];
  newest: { id: string; time: string; amount?: number; label?: boolean | null; outcome?: string }[];
}
export interface BacktestResult {
  events: number;
  first?: string;
  last?: string;
  all: Counts;
  outcomes_before: Record<string, number>;
  outcomes_after: Record<string, number>;
  rules: RuleResult[];
}

export function Backtest({ of }: { of: BacktestResult }) {
  const { t, number, percent, amount, dateTime } = useWords();
  const { alertCost } = useInForce();
  const share = (one: Interval | null) => (one === null ? "–" : percent(one.value, 1));
  const within = (one: Interval | null) => (one === null ? undefined : `${percent(one.low, 1)} – ${percent(one.high, 1)}`);
  if (of.events === 0) return <p className="note warn">{t("backtest.noEvents")}</p>;
  return (
    <div className="stack">
      <p className="dim">{t("backtest.over", { n: of.events, first: of.first ? dateTime(of.first) : "–", last: of.last ? dateTime(of.last) : "–" })}</p>
      {of.rules.map((rule) => (
        <div key={rule.rule} className="stack">
          <Tiles of={[
            { name: t("backtest.hits"), value: number(rule.hits.events), note: t("backtest.ofAll", { share: percent(rule.hits.events / of.events, 2) }) },
            { name: t("backtest.precision"), value: share(rule.precision), note: within(rule.precision) },
            { name: t("backtest.recall"), value: share(rule.recall), note: within(rule.recall) },
            { name: t("backtest.fpr"), value: share(rule.false_positive_rate), note: within(rule.false_positive_rate) },
            { name: t("backtest.changed"), value: number(rule.changed.events), note: t("backtest.changedNote") },
          ]} />
          <div className="grid">
            <Facts of={[
              [t("backtest.fraud"), number(rule.hits.fraud)],
              [t("backtest.legit"), number(rule.hits.legit)],
              [t("backtest.unknown"), number(rule.hits.unknown)],
              ...(rule.hits.amount !== undefined ? [[t("backtest.amount"), amount(rule.hits.amount)] as [string, string]] : []),
              ...(rule.hits.fraud_amount !== undefined ? [[t("backtest.fraudAmount"), amount(rule.hits.fraud_amount)] as [string, string]] : []),
            ]} />
            <Facts of={[
              [t("backtest.cost"), `${amount(rule.cost.alerts)}${alertCost === null ? "" : ` (${t("backtest.costEach", { cost: alertCost })})`}`],
              [t("backtest.found"), amount(rule.cost.fraud_found)],
              [t("backtest.gain"), <span className={rule.cost.fraud_found >= rule.cost.alerts ? "good-text strong" : "bad-text strong"}>{amount(rule.cost.fraud_found - rule.cost.alerts)}</span>],
              [t("backtest.overlap"), Object.keys(rule.overlap).length === 0 ? t("backtest.noOverlap")
                : <span className="chips">{Object.entries(rule.overlap).map(([name, n]) => <span key={name} className="chip">{name}: {number(n)}</span>)}</span>],
            ]} />
          </div>
          {rule.days.length > 1 && (
            <div>
              <DayBars days={rule.days} caption={t("backtest.byDay")} />
              <Legend of={[{ name: t("backtest.hits"), swatch: "" }, { name: t("backtest.fraud"), swatch: "bad" }]} />
            </div>
          )}
          {rule.newest.length > 0 && (
            <details>
              <summary>{t("backtest.newest", { n: rule.newest.length })}</summary>
              <ul>{rule.newest.map((one) => <li key={one.id}><DecisionLink id={one.id} /> <span className="dim"><When at={one.time} /></span></li>)}</ul>
            </details>
          )}
        </div>
      ))}
      <table>
        <caption className="hidden">{t("backtest.outcomes")}</caption>
        <thead><tr><th scope="col">{t("decision.outcome")}</th><th scope="col" className="number">{t("backtest.before")}</th><th scope="col" className="number">{t("backtest.after")}</th><th scope="col" className="number">{t("backtest.difference")}</th></tr></thead>
        <tbody>{Object.keys(of.outcomes_after).map((outcome) => {
          const [before, after] = [of.outcomes_before[outcome] ?? 0, of.outcomes_after[outcome] ?? 0];
          return (
            <tr key={outcome}><td><Outcome of={outcome} /></td><td className="number">{number(before)}</td><td className="number">{number(after)}</td>
              <td className="number">{after === before ? "0" : `${after > before ? "+" : "−"}${number(Math.abs(after - before))}`}</td></tr>
          );
        })}</tbody>
      </table>
    </div>
  );
}
