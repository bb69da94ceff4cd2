// The README's pictures: those that the tests of the console took last (build/console/readme-*.png), to docs/img/console-*.png.
import { copyFileSync, existsSync, readFileSync } from "node:fs";

const LIMIT = 250 * 1000;
const root = new URL("../../", import.meta.url).pathname;
const from = process.env.CONSOLE_PICTURES ?? root + "build/console/";
let bad = 0;
for (const name of ["live", "alert", "daily", "rules"]) {
  const [taken, to] = [`${from}readme-${name}.png`, `${root}docs/img/console-${name}.png`];
  if (!existsSync(taken)) {
    console.error(`${taken} is not there: run the tests of the console (tests/console) first`);
    bad++;
    continue;
  }
  const { length } = readFileSync(taken);
  if (length >= LIMIT) {
    console.error(`${taken}: ${length} bytes; less than ${LIMIT} are wanted`);
    bad++;
    continue;
  }
  copyFileSync(taken, to);
  console.log(`${String(length).padStart(8)}  docs/img/console-${name}.png`);
}
process.exit(bad === 0 ? 0 : 1);
