// The reasons of a score: a waterfall of contributions, each value beside what is usual for this entity and for all.
import { useState } from "react";
import type { Schemas } from "../api/client";
import { useWords } from "../i18n";
import { Legend, Tick, WaterfallBar } from "./charts";
import { Given, short } from "./Given";
import { Empty } from "./states";

type Explanation = Schemas["Explanation"];
type Explained = Schemas["ExplainedFeature"];

const WORD = 16; // signs that stand on one line

interface Own {
  entity: string;
  n: number;
  median?: number;
  least?: number;
  most?: number;
  below?: number;
  usual?: unknown;
  usual_n?: number;
  same_n?: number;
}

export function Why({ of, score }: { of: Explanation; score: number }) {
  const { t, amount } = useWords();
  const [all, setAll] = useState(false);
  const model = of.model as { base: number; margin: number } | null;
  if (model === null) return <Empty title={t("why.noModel")} />;
  const weighed = of.features.filter((one) => one.contribution !== null).sort((a, b) => Math.abs(b.contribution!) - Math.abs(a.contribution!));
  if (!of.complete && weighed.length === 0) return <Empty title={t("why.notKept")} />;
  const shown = all ? weighed : weighed.slice(0, 10);
  const rest = weighed.slice(shown.length);
  const restSum = rest.reduce((sum, one) => sum + one.contribution!, 0);
  // Where the sum stands after each step, so that the scale takes them all.
  const steps = [...shown.map((one) => one.contribution!), ...(rest.length > 0 ? [restSum] : [])];
  const stands = steps.reduce<number[]>((sums, step) => [...sums, sums.at(-1)! + step], [model.base]);
  const low = Math.min(0, ...stands), high = Math.max(0, ...stands);
  const others = of.features.filter((one) => one.contribution === null);
  const signed = (value: number) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${amount(Math.abs(value))}`;
  return (
    <>
      <div className="scroll" tabIndex={0} role="group" aria-label={t("why.title")}>
        <table className="waterfall">
          <thead>
            <tr>
              <th scope="col">{t("why.feature")}</th><th scope="col" className="number">{t("why.value")}</th>
              <th scope="col">{t("why.own")}</th><th scope="col">{t("why.everyone")}</th>
              <th scope="col">{t("why.effect")}</th><th scope="col" className="number">{t("why.points")}</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">{t("why.base")}</th><td /><td /><td />
              <td className="bar-cell"><WaterfallBar from={0} to={model.base} low={low} high={high} sum /></td>
              <td className="number">{signed(model.base)}</td>
            </tr>
            {shown.map((one, i) => (
              <tr key={one.feature}>
                <td><Name of={one} /></td>
                <Compared of={one} />
                <td className="bar-cell"><WaterfallBar from={stands[i]!} to={stands[i + 1]!} low={low} high={high} /></td>
                <td className={`number ${one.contribution! > 0 ? "bad-text" : "good-text"}`}>{signed(one.contribution!)}</td>
              </tr>
            ))}
            {rest.length > 0 && (
              <tr>
                <td><button type="button" className="link" onClick={() => setAll(true)}>{t("why.rest", { n: rest.length })}</button></td><td /><td /><td />
                <td className="bar-cell"><WaterfallBar from={stands.at(-2)!} to={stands.at(-1)!} low={low} high={high} /></td>
                <td className="number">{signed(restSum)}</td>
              </tr>
            )}
            <tr>
              <th scope="row">{t("why.sum", { score })}</th><td /><td /><td />
              <td className="bar-cell"><WaterfallBar from={0} to={model.margin} low={low} high={high} sum /></td>
              <td className="number strong">{signed(model.margin)}</td>
            </tr>
          </tbody>
        </table>
      </div>
      <div className="body">
        <Legend of={[{ name: t("why.raises"), swatch: "bad" }, { name: t("why.lowers"), swatch: "good" }]} />
        <p className="dim small">{t("why.pointsMeaning")}</p>
        <p className="note"><strong>{t("why.causality")}</strong> {t("why.causalityMore")}</p>
        {!of.complete && <p className="note warn">{t("why.incomplete")}</p>}
        {others.length > 0 && (
          <details>
            <summary>{t("why.others", { n: others.length })}</summary>
            <table><tbody>{others.map((one) => <tr key={one.feature}><td><Name of={one} /></td><Compared of={one} /></tr>)}</tbody></table>
          </details>
        )}
      </div>
    </>
  );
}

const Name = ({ of }: { of: Explained }) => (
  <>
    <span className="mono" title={of.text}>{of.feature}</span>
    {of.code !== undefined && of.code.toLowerCase() !== of.feature.toLowerCase() && <span className="dim small"> {of.code}</span>}
  </>
);

/** The value, this entity's own normal, and everybody's. */
function Compared({ of }: { of: Explained }) {
  const { t, value, percent } = useWords();
  const own = of.own as Own | undefined;
  const usual = own === undefined || own.n === 0 ? null
    : typeof of.value === "boolean" && own.median !== undefined ? value(own.median >= 0.5)
    : own.median !== undefined ? own.least === own.most ? value(own.median) : t("why.ownUsual", { usual: value(own.median), low: value(own.least), high: value(own.most) })
      : own.usual !== undefined ? t("why.ownMost", { usual: short(value(own.usual), 40), share: percent((own.usual_n ?? 0) / own.n, 0) }) : null;
  const text = short(value(of.value), 40);
  return (
    <>
      <td className={text.length > WORD ? "number break" : "number"} data-label={t("why.value")}><Given text={text} /></td>
      <td className="small" data-label={t("why.own")}>{usual === null ? <span className="dim">–</span> : <><Given text={usual} /><br /><span className="dim nobreak">{own!.entity}, {t("why.of", { n: own!.n })}</span></>}</td>
      <td className="small">
        {of.rank !== undefined ? <><Tick share={of.rank} /> <span className="nobreak">{t("why.rank", { share: percent(of.rank, 0) })}</span></>
          : of.share !== undefined ? t("why.share", { share: percent(of.share, 1) }) : <span className="dim">–</span>}
      </td>
    </>
  );
}
