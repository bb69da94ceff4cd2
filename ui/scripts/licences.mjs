// The licences of what stands in the bundle: each must be one that we may hand on, and its text goes along, as
// dist/licences.txt. What is only used to build or to test is not in it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const ALLOWED = new Set(["MIT", "Apache-2.0", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Unlicense"]);
const ui = new URL("../", import.meta.url);
const { packages } = JSON.parse(readFileSync(new URL("package-lock.json", ui)));
const texts = [], bad = [];
for (const [path, { version, dev, optional, license }] of Object.entries(packages)) {
  if (path === "" || dev || !existsSync(new URL(`${path}/package.json`, ui))) continue;
  const name = path.slice(path.lastIndexOf("node_modules/") + 13);
  if (!ALLOWED.has(license)) bad.push(`${name} ${version}: ${license ?? "no licence is told"}; those that are taken: ${[...ALLOWED].join(", ")}${optional ? " (optional)" : ""}`);
  const file = readdirSync(new URL(`${path}/`, ui)).find((one) => /^(licen[cs]e|copying|unlicense)/i.test(one));
  texts.push(`${name} ${version} (${license})\n\n${file === undefined ? "" : readFileSync(new URL(`${path}/${file}`, ui), "utf8").trim()}\n`);
}
for (const one of bad) console.error(one);
writeFileSync(new URL("dist/licences.txt", ui), `The console contains these packages.\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`);
console.log(`${String(texts.length).padStart(8)}  packages in the bundle, ${bad.length} of them under a licence that is not taken`);
process.exit(bad.length > 0 ? 1 : 0);
