// What a first visit loads, compressed: index.html, its scripts and styles and what those import at once, and the first
// page. More than 300 KB fails. Vite's manifest is taken away afterwards: it is no file of the console.
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 300 * 1024;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist)));
const wanted = new Set(["index.html"]);
const seen = new Set();
const take = (key) => {
  if (seen.has(key)) return;
  seen.add(key);
  const entry = manifest[key];
  wanted.add(entry.file);
  for (const css of entry.css ?? []) wanted.add(css);
  for (const other of entry.imports ?? []) take(other);
};
take("index.html");
take("src/pages/Live.tsx");
let all = 0;
for (const file of wanted) {
  const bytes = gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
  all += bytes;
  console.log(`${String(bytes).padStart(8)}  ${file}`);
}
console.log(`${String(all).padStart(8)}  first load, compressed; at most ${LIMIT}`);
rmSync(new URL(".vite/", dist), { recursive: true });
process.exit(all > LIMIT ? 1 : 0);
