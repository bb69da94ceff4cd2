// Pictures of every page, light and dark, wide and narrow: CONSOLE_URL, and what to look at (names of pages; default all).
import { accessible, launch, open, overflow, picture, settled } from "./browser.mjs";

const base = process.env.CONSOLE_URL;
const api = async (path) => (await fetch(base + path, { headers: process.env.CONSOLE_KEY ? { Authorization: `Bearer ${process.env.CONSOLE_KEY}` } : {} })).json();

export async function places() {
  const top = (await api("/v1/decisions?sort=-score&limit=1")).decisions[0];
  const model = (await api("/v1/models")).models[0]?.id;
  const alert = (await api("/v1/alerts?limit=1")).alerts?.[0]?.id;
  const kase = (await api("/v1/cases?state=any&limit=1")).cases?.[0]?.id;
  const rule = (await api("/v1/rules")).rules?.[0]?.name;
  const list = (await api("/v1/lists")).lists?.[0]?.name;
  const kind = (await api("/v1/settings")).yaml.match(/\nentities:\n {2}(\w+)/)?.[1];
  const key = (await api(`/v1/decisions/${top.id}`)).inputs[`${kind}_id`] ?? (await api(`/v1/decisions/${top.id}`)).inputs[kind];
  return Object.entries({
    live: "/live", daily: "/daily", alerts: "/alerts", alert: alert && `/alerts/${alert}`, cases: "/cases?state=any", case: kase && `/cases/${kase}`,
    search: "/search?sort=-score", decision: `/decisions/${encodeURIComponent(top.id)}`, entity: key !== undefined && `/entities/${kind}/${encodeURIComponent(key)}`,
    rules: "/rules", rule: rule && `/rules/${rule}`, lists: "/lists", list: list && `/lists/${list}`, features: "/features", models: "/models", model: model && `/models/${model}`,
    train: "/train", audit: "/audit", admin: "/admin", settings: "/admin?tab=settings", keys: "/admin?tab=keys", users: "/admin?tab=users",
  }).filter(([, path]) => path);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const wanted = process.argv.slice(2);
  const browser = await launch();
  let bad = 0;
  for (const [size, theme] of [["wide", "light"], ["wide", "dark"], ["narrow", "light"], ["narrow", "dark"]]) {
    if (process.env.ONLY && !process.env.ONLY.split(",").includes(`${size}-${theme}`)) continue;
    const page = await open(browser, base, { size, theme });
    for (const [name, path] of await places()) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      await page.goto(path);
      await settled(page).catch((error) => page.faults.push(String(error)));
      if (name === "live") await page.waitForTimeout(2500);
      await picture(page, `${name}-${size}-${theme}`);
      const wide = await overflow(page);
      const told = [...page.faults.splice(0), ...(wide ? [wide] : []), ...(await accessible(page, name))];
      for (const one of told) console.log(`${name}-${size}-${theme}: ${one}`);
      bad += told.length;
    }
    await page.context().close();
  }
  await browser.close();
  console.log(`${bad} faults`);
}
