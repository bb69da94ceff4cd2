// A real Chromium (Debian's), and pages in it that tell of whatever went wrong: script errors, refusals of the content
// security policy, requests that failed. Libraries are those of ui/node_modules.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const root = new URL("../../", import.meta.url).pathname;
const require = createRequire(root + "ui/package.json");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
export const pictures = process.env.CONSOLE_PICTURES ?? root + "build/console/";

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });

/** A page with a fresh profile. `allow(status, url)`: which refused requests the test expects. */
export async function open(browser, base, { size = "wide", theme = "light", language = "en", zone = "UTC", allow = () => false } = {}) {
  const context = await browser.newContext({
    baseURL: base, viewport: sizes[size], colorScheme: theme, locale: "en-GB", timezoneId: zone, reducedMotion: "reduce",
    deviceScaleFactor: size === "narrow" ? 2 : 1, bypassCSP: false,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  const faults = [];
  await page.addInitScript(([language]) => {
    if (localStorage.getItem("assay.language") === null) localStorage.setItem("assay.language", language);
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
  }, [language]);
  page.on("pageerror", (error) => faults.push(`script: ${error.stack ?? error}`));
  page.on("console", (message) => {
    // A refused request says so twice; the response below is the one that is judged.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400 && !allow(response.status(), response.url())) faults.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  page.faults = faults;
  return page;
}

/** Until the page has said what it has to say. */
export async function settled(page) {
  await page.waitForSelector("main h1");
  await page.evaluate(() => { window.calm = 0; });
  // Some frames without anything that loads: what has come may ask for more.
  await page.waitForFunction(() => (window.calm = document.querySelector(".state.loading") === null ? window.calm + 1 : 0) > 6, undefined, { timeout: 15000, polling: "raf" });
}

/** WCAG 2.2 A and AA by axe. Its script comes in beside the policy: it is the test's, not the page's. */
export async function accessible(page, where) {
  await page.evaluate(`(() => { const module = undefined, exports = undefined; ${axe} })()`);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  return violations.map((one) => `${where}: ${one.id}: ${one.help}\n    ${one.nodes.slice(0, 4).map((node) => `${node.target.flat().join(" ")} ${node.failureSummary?.split("\n")[1]?.trim() ?? ""}`).join("\n    ")}`);
}

/** What stands out to the right of the window; on a phone also tables that one would push sideways to read. */
export const overflow = (page) =>
  page.evaluate(() => {
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    const pushed = innerWidth > 640 ? [] : [...document.querySelectorAll("main .scroll")].filter((one) => one.scrollWidth > one.clientWidth + 1);
    if (pushed.length > 0) return `to be pushed sideways: ${pushed.map((one) => one.getAttribute("aria-label") ?? one.innerText.slice(0, 40)).join(", ")}`;
    if (wide <= 0) return null;
    const who = [...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && one.closest(".scroll") === null).slice(0, 3);
    return `${wide} px too wide: ${who.map((one) => `${one.tagName.toLowerCase()}.${one.className}`).join(", ")}`;
  });

/** Of the whole page; `window`: of what is to be seen without scrolling. */
export async function picture(page, name, { window = false } = {}) {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}${name}.png`, fullPage: !window });
}
