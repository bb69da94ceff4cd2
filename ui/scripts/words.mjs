// Holds the catalogues to each other: the same keys, the same holes, plural forms where a language has them, and nothing
// left in English. What is the same word in both languages is told below, so that a new one is looked at once.
//   node scripts/words.mjs            says what is wrong
//   node scripts/words.mjs --same     lists what is as in English
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";

const load = async (language) => {
  const source = readFileSync(new URL(`../src/i18n/${language}.ts`, import.meta.url), "utf8");
  const { code } = transformSync(source, { loader: "ts", format: "esm" });
  return (await import(`data:text/javascript;base64,${Buffer.from(code).toString("base64")}`))[language];
};
const SAME = {
  id: ["menu", "nav.audit", "nav.admin", "label.title", "label.fraud", "live.median", "decision.model", "why.points", "rule.whenHint", "backtest.title", "backtest.recall", "backtest.fraud", "feature.psi",
    "model.version", "model.auc", "model.as.champion", "model.as.challenger", "model.auc_roc", "model.recall", "model.roc", "model.seed", "model.sha", "audit.log", "admin.log"],
  th: ["rule.whenHint", "backtest.precision", "backtest.recall", "feature.drift", "feature.psi", "model.ap", "model.auc", "model.as.champion", "model.as.challenger", "model.average_precision", "model.auc_roc",
    "model.precision", "model.recall", "model.roc", "model.seed"],
  fr: ["menu", "note", "nav.name", "nav.audit", "table.actions", "live.pause", "live.scores", "decision.score", "decision.plan", "why.points", "rule.when", "rule.whenHint", "rule.version", "rule.versions",
    "list.type", "feature.expression", "feature.type", "feature.stable", "unit.minutes", "feature.psi", "model.verdict", "model.as.champion", "model.as.challenger", "model.roc", "model.calibration",
    "model.history", "audit.signature", "admin.state", "key.secret", "key.state.active", "case.score", "daily.day", "daily.score"],
};
const en = await load("en");
const forms = (message) => (typeof message === "string" ? [message] : message);
const holes = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((one) => one[1]).sort().join();
const wrong = [], same = {};
for (const language of ["id", "th", "fr"]) {
  const words = await load(language);
  const hasPlurals = new Intl.PluralRules(language).resolvedOptions().pluralCategories.length > 1;
  same[language] = [];
  for (const key of new Set([...Object.keys(en), ...Object.keys(words)])) {
    const [here, there] = [words[key], en[key]];
    const tell = (what) => wrong.push(`${language}: ${key}: ${what}`);
    if (here === undefined || there === undefined) {
      tell(here === undefined ? "is not there" : "is not in English");
      continue;
    }
    if (forms(here).some((one) => one.trim() === "")) tell("is empty");
    const wanted = new Set(forms(there).map(holes));
    // The form for one may leave its number out ("Closes this alert").
    for (const [i, one] of forms(here).entries()) if (!wanted.has(holes(one)) && !(hasPlurals && i === 0 && wanted.has([holes(one), "n"].filter(Boolean).sort().join()))) tell(`its holes are {${holes(one)}}, in English {${[...wanted].join("} or {")}}`);
    if (hasPlurals && forms(here).length !== forms(there).length) tell("has other plural forms than English");
    if (!hasPlurals && forms(here).length !== 1) tell("this language has one form");
    const letters = forms(here).join().replace(/\{\w+\}/g, "").replace(/[^\p{L}]/gu, "");
    if (letters !== "" && forms(here).join() === forms(there).join()) same[language].push(key);
  }
  for (const key of same[language]) if (!SAME[language]?.includes(key)) wrong.push(`${language}: ${key}: "${forms(en[key])[0]}" is as in English`);
  for (const key of SAME[language] ?? []) if (!same[language].includes(key)) wrong.push(`${language}: ${key}: is no longer as in English: take it out of scripts/words.mjs`);
}
if (process.argv[2] === "--same") console.log(Object.entries(same).map(([language, keys]) => `${language}: ${keys.map((key) => `${key} (${forms(en[key])[0]})`).join(", ")}`).join("\n"));
else for (const one of wrong) console.error(one);
process.exit(process.argv[2] !== "--same" && wrong.length > 0 ? 1 : 0);
