// What the files of tests share: who is signed in, what must hold, and how a file runs:
//   FILE OUT [TEST...]   writes {test: [what was wrong, ...]} to OUT
//   FILE --list          names its tests
import { writeFileSync } from "node:fs";
import { launch, open, picture, settled } from "./browser.mjs";

export const base = process.env.CONSOLE_URL;
export const password = process.env.CONSOLE_PASSWORD;
const key = process.env.CONSOLE_KEY;

export function must(condition, words) {
  if (!condition) throw new Error(words);
}

/** Asks the server as the admin, beside the browser. */
export async function ask(path, body) {
  const answer = await fetch(base + path, {
    method: body === undefined ? "GET" : "POST", body: body === undefined ? undefined : JSON.stringify(body),
    headers: { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) },
  });
  must(answer.ok, `${answer.status} ${path}`);
  return answer.json();
}

/** Until it is so. */
export async function until(what, words, seconds = 15) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const got = await what();
    if (got) return got;
    must(Date.now() < end, `not so after ${seconds} s: ${words}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** What a page asks before anybody has signed in. */
export const unsigned = (status, url) => (status === 401 && url.endsWith("/v1/session")) || (status === 404 && url.endsWith("/v1/sign-in"));

export async function signIn(page, who) {
  await page.getByLabel("Name", { exact: true }).fill(who);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.locator("form button").click();
  await page.waitForSelector("nav", { state: "attached" });
  await settled(page);
}

const sessions = new Map(); // cookies by person: the form is filled in once

/** A page, with a fresh profile, of somebody who has signed in by name and password. */
export async function signedIn(browser, who, options = {}) {
  const page = await open(browser, base, { ...options, allow: (status, url) => unsigned(status, url) || (options.allow?.(status, url) ?? false) });
  if (sessions.has(who)) await page.context().addCookies(sessions.get(who));
  await page.goto(options.at ?? "/");
  if (sessions.has(who)) {
    await page.waitForSelector("nav", { state: "attached" });
    await settled(page);
  } else {
    await signIn(page, who);
    sessions.set(who, await page.context().cookies());
  }
  return page;
}

export async function main(tests) {
  if (process.argv[2] === "--list") return console.log(Object.keys(tests).join("\n"));
  const chosen = process.argv.slice(3);
  const browser = await launch();
  const results = {};
  for (const [name, test] of Object.entries(tests)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const before = browser.contexts().length, begun = Date.now();
    try {
      results[name] = await test(browser);
    } catch (error) {
      const page = browser.contexts().at(-1)?.pages().at(-1);
      if (page) await picture(page, `failed-${name}`).catch(() => {});
      results[name] = [String(error.stack ?? error), ...(page?.faults ?? [])];
    }
    for (const context of browser.contexts().slice(before)) await context.close();
    console.log(`${name}: ${((Date.now() - begun) / 1000).toFixed(1)} s: ${results[name].length === 0 ? "ok" : results[name].join("\n  ")}`);
  }
  await browser.close();
  writeFileSync(process.argv[2], JSON.stringify(results));
}
