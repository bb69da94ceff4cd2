// Makes from the binary src/api/schema.d.ts (types of the HTTP API), roles.ts (who may ask what) and functions.ts (of
// the rules' language).
//   node scripts/schema.mjs [--check]      with ASSAY_BIN, or ../build/assay
// --check compares and changes nothing; exit code 1 where a file is not what the binary says.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import openapi, { astToString } from "openapi-typescript";

const here = new URL("..", import.meta.url).pathname;
const binary = process.env.ASSAY_BIN ?? here + "../build/assay";
const ask = (...args) => execFileSync(binary, args, { encoding: "utf8", maxBuffer: 1 << 26 });

const description = JSON.parse(ask("openapi", "-c", here + "scripts/schema.yaml"));
const schema = "/* Made by `npm run schema` from `assay openapi`. */\n\n" + astToString(await openapi(description));

const rows = ask("help", "routes").split("\n").filter((line) => line.startsWith("|"));
const cells = (row) => row.split("|").slice(1, -1).map((cell) => cell.trim());
const roles = cells(rows[0]).slice(1);
const lines = rows.slice(2).map((row) => {
  const [route, ...marks] = cells(row);
  const may = roles.filter((_, i) => marks[i] === "yes").map((role) => JSON.stringify(role));
  return `  ${JSON.stringify(route.replaceAll("`", ""))}: [${may.join(", ")}],`;
});
const named = roles.filter((role) => role !== "anyone").map((role) => JSON.stringify(role));
const access = `/* Made by \`npm run schema\` from \`assay help routes\`. */
export const roles = [${named.join(", ")}] as const;
export type Role = (typeof roles)[number];

export const routes = {
${lines.join("\n")}
} as const satisfies Record<string, readonly (Role | "anyone")[]>;
export type Route = keyof typeof routes;
`;

// `name(arguments) -> type` | what | ...: the tables' first two columns.
const known = ask("help", "functions").split("\n").flatMap((line) => {
  const told = /^\| `((\w+)\([^`]*)` \| ([^|]*)\|/.exec(line);
  return told === null ? [] : [{ name: told[2], signature: told[1], what: told[3].trim() }];
});
const functions = `/* Made by \`npm run schema\` from \`assay help functions\`. */
export const functions: readonly { name: string; signature: string; what: string }[] = [
${known.map((one) => `  ${JSON.stringify(one)},`).join("\n")}
];
`;

let stale = false;
for (const [path, text] of [["src/api/schema.d.ts", schema], ["src/api/roles.ts", access], ["src/api/functions.ts", functions]]) {
  if (!process.argv.includes("--check")) {
    writeFileSync(here + path, text);
    continue;
  }
  let now = "";
  try {
    now = readFileSync(here + path, "utf8");
  } catch {}
  if (now !== text) {
    console.error(`ui/${path} is not what the binary says: run \`npm run schema\` in ui/`);
    stale = true;
  }
}
process.exit(stale ? 1 : 0);
