// Opens each page of the console in a browser and prints what it asks of the server: {page: [path, ...]}.
import { launch, open, settled } from "../tests/console/browser.mjs";
import { places } from "../tests/console/look.mjs";

const base = process.env.CONSOLE_URL;
const browser = await launch();
const page = await open(browser, base);
const asked = {};
let now = "";
page.on("request", (request) => {
  const url = new URL(request.url());
  if (now !== "" && request.method() === "GET" && url.pathname.startsWith("/v1/") && url.pathname !== "/v1/live") asked[now].add(url.pathname + url.search);
});
for (const [name, path] of await places()) {
  asked[name] = new Set();
  now = name;
  await page.goto(path);
  await settled(page);
  now = "";
}
await browser.close();
console.log(JSON.stringify(Object.fromEntries(Object.entries(asked).map(([name, paths]) => [name, [...paths]]))));
