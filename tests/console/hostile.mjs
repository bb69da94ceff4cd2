// A hostile world: what outsiders write in every field that they control, ids that break addresses, sessions that end in
// the middle of a form, two tabs, roles that change, a server that restarts.
import { open, overflow, picture, settled, sizes } from "./browser.mjs";
import { ask, base, main, must, signedIn, signIn, unsigned, until } from "./runner.mjs";

const dialog = (page) => page.getByRole("dialog");
const heading = (page, text) => page.locator(".page-head .badge", { hasText: text }).waitFor();
const markup = `<img src=x onerror="hacked=1">`;
const IDS = ["a/b", "50%25", "a%2Fb#y", "x?y=1&z :+", `</title>${markup}`, "🦊ไทย👩‍👩‍👧", "c1\u200b", "\u202egpj.exe", "'\"`;--\\", "//evil.example", "W".repeat(250), "%E0%A4%A"];
const LONG = `${"W".repeat(2000)}${markup}${"ยาว".repeat(200)}`;
let decided = 0;
const decide = (fields) => ask("/v1/decisions", { id: `n${++decided}`, at: new Date(Date.UTC(2026, 9, 1) + decided * 1000).toISOString(), customer: "c1", device: "d1", merchant: "m", amount: 500, big: 1, card: 1, ...fields });
/** What the page would show for a text: what cannot be seen is named. */
const shown = (text) => text.replace(/[\u200b\u202e]/g, (sign) => `U+${sign.codePointAt(0).toString(16).toUpperCase()}`);
const short = (text, most) => ([...text].length <= most ? text : `${[...text].slice(0, most - 1).join("")}…`);
const cleaned = (text) => text.replace(/\s+/g, " ").trim();
/** Nothing of what was written was taken for the page's own. */
async function harmless(page, where) {
  const found = await page.evaluate(() => [window.hacked, document.querySelectorAll("main img, main script, main b, main i:not(.swatch), main iframe").length, document.querySelectorAll('a[href^="javascript:"]').length]);
  must(found.every((one) => !one), `${where}: what an outsider wrote is a part of the page: ${found}`);
}
const cached = async () => until(async () => (await ask("/readyz")).store_lag === 0, "the store has it");
const analyst = (browser, who, options = {}) => signedIn(browser, who, { allow: (status) => [401, 403, 404].includes(status), ...options });
/** The cookies that other tests know are gone after a restart, and after a sign-out. */
const freshly = async (browser, who, at = "/live", more = {}) => {
  const page = await open(browser, base, { allow: (status, url) => unsigned(status, url) || [401, 403].includes(status), ...more });
  await page.goto(at);
  await signIn(page, who);
  return page;
};

const tests = {
  async ids_of_every_kind_lead_where_they_say(browser) {
    for (const id of IDS) await decide({ id, customer: id, device: "shared", merchant: id });
    await cached();
    const page = await analyst(browser, "ann", { at: "/search" });
    for (const id of IDS) {
      const row = page.locator(`main tbody a[href="/decisions/${encodeURIComponent(id).replaceAll('"', '\\"')}"]`);
      await page.locator("main tbody tr").nth(5).waitFor();
      must((await row.count()) === 1, `${JSON.stringify(id)}: no link in the search`);
      await row.click();
      const title = (text) => page.waitForFunction((text) => document.querySelector("h1")?.innerText.replace(/\s+/g, " ").trim() === text, cleaned(text), { timeout: 5000 })
        .catch(async () => { throw new Error(`${JSON.stringify(id)}: the page is ${await page.locator("h1").innerText()}, not ${text}`); });
      await title(short(`Decision ${id}`, 200).replace(id, shown(id)));
      await page.getByText("Exact inputs").waitFor();
      await page.locator(".facts a").first().click();
      await title(`customer ${id}`.length > 200 ? short(`customer ${id}`, 200) : `customer ${shown(id)}`);
      await page.locator(".card", { hasText: "History" }).locator("tbody tr").first().waitFor();
      await page.getByRole("link", { name: "All decisions" }).click();
      await page.waitForURL(/\/search\?entity=/);
      await page.waitForFunction(() => document.querySelectorAll("main tbody tr").length === 1);
      await harmless(page, JSON.stringify(id));
      await page.goBack();
      await page.goBack();
      await page.reload(); // the address alone is enough
      await title(short(`Decision ${id}`, 200).replace(id, shown(id)));
      await page.goBack();
      await page.waitForURL(/\/search$/);
    }
    // Where an address cannot say it, there is no link to somewhere else.
    await decide({ id: "dots", customer: "..", device: "." });
    await cached();
    await page.goto("/decisions/dots");
    await page.locator(".facts dd", { hasText: /^\.\.$/ }).waitFor();
    must((await page.locator('.facts a', { hasText: "." }).count()) === 0, "a link of dots leads elsewhere");
    return page.faults;
  },

  async what_outsiders_write_is_text(browser) {
    const page = await analyst(browser, "ann");
    const last = await decide({ id: `${markup}!`, customer: `${markup}${"C".repeat(1500)}`, device: `\u202e${markup}`, merchant: LONG, big: 1e308, amount: 900000000000, card: "9007199254740993" });
    const alert = await until(async () => (await ask(`/v1/alerts?text=${encodeURIComponent(last.id)}`)).alerts[0], "it is alerted");
    const kase = await ask("/v1/cases", { title: `${markup} \u202eeltit`, alerts: [alert.id], note: `${LONG}\n\u202e${markup}` });
    await ask("/v1/lists/watched/entries", [markup, "a/b", "50%25", "\u200b", LONG.slice(0, 200), "x?y#z"].map((value) => ({ value, note: `${markup}\u202e` })));
    await ask("/v1/users", { name: "mallory", password: "correct horse battery", roles: ["viewer"] });
    const root = await open(browser, base, { allow: unsigned });
    await root.goto("/");
    await root.getByText("Sign in with an API key instead").click();
    await root.getByLabel("API key").fill(process.env.CONSOLE_KEY);
    await root.locator("form button").click();
    await root.waitForSelector("nav");
    await ask("/v1/keys", { name: markup, roles: ["viewer"] });
    const told = [];
    for (const [who, path] of [...["/live", "/alerts?state=any", `/alerts/${alert.id}`, `/cases/${kase.id}`, "/search", `/decisions/${encodeURIComponent(last.id)}`, "/rules/BIG",
      "/lists/watched", "/admin?tab=settings", `/entities/customer/${encodeURIComponent(`${markup}${"C".repeat(1500)}`)}`].map((at) => [page, at]), [root, "/audit"], [root, "/admin?tab=keys"], [root, "/admin?tab=users"]]) {
      await who.goto(path);
      for (const size of ["wide", "narrow"]) {
        await who.setViewportSize(sizes[size]);
        await settled(who);
        const wide = await overflow(who);
        if (wide) told.push(`${path} ${size}: ${wide}`);
        if (/^.(live|alerts.|cases.|decisions)/.test(path)) await picture(who, `hostile${path.replace(/\W+/g, "-").slice(0, 24)}-${size}-light`);
      }
      await harmless(who, path);
      told.push(...who.faults.splice(0));
    }
    // A number of which this browser knows no exact double is shown as it was written, and its link leads to it.
    await page.setViewportSize(sizes.wide);
    await page.goto(`/decisions/${encodeURIComponent(last.id)}`);
    await page.locator('.facts a[href="/entities/card/9007199254740993"]', { hasText: "9007199254740993" }).waitFor();
    must((await page.locator("main").innerText()).includes("1e308") || (await page.locator("main").innerText()).includes("1e+308"), "the exact input is not shown");
    await page.goto("/alerts?state=any&sort=-amount");
    must((await page.locator("tbody tr").first().innerText()).includes("900,000,000,000.00"), "a large amount is shown otherwise");
    // Values of a list are removed, whatever they are.
    await page.goto("/lists/watched");
    for (const value of ["a/b", "50%25", "x?y#z", markup]) {
      await page.getByRole("button", { name: `Remove ${value}` }).click();
      await dialog(page).getByRole("button", { name: "Remove", exact: true }).click();
      await dialog(page).waitFor({ state: "detached" });
      await until(async () => !(await ask("/v1/lists/watched?limit=100")).items.some((one) => one.value === value), `${value} is out of the list`);
    }
    return [...told, ...page.faults];
  },

  async times_of_year_1_and_9999(browser) {
    await decide({ id: "year1", at: "0001-01-01T00:00:00Z" });
    await decide({ id: "y9999", at: "9999-12-31T23:59:59Z" });
    await cached();
    const page = await analyst(browser, "ann");
    for (const [id, year] of [["year1", "1"], ["y9999", "9999"]]) {
      await page.goto(`/decisions/${id}`);
      await page.locator(".facts time", { hasText: new RegExp(`\\b${year}\\b`) }).waitFor();
      await page.goto(`/search?id_prefix=${id}`);
      await page.locator("tbody tr").first().waitFor();
    }
    // A year on its way to be typed, where the clocks of then were odd; and one that no server takes.
    const bangkok = await freshly(browser, "ann", "/search", { zone: "Asia/Bangkok" });
    const from = bangkok.getByLabel("From");
    for (const half of ["0002-01-01T00:00", "0020-05-04T10:30", "2026-05-04T10:30"]) {
      await from.fill(half);
      must((await from.inputValue()) === half, `${half} became ${await from.inputValue()} while it was typed`);
    }
    await bangkok.getByRole("button", { name: "Search", exact: true }).click();
    await bangkok.waitForURL(/from=2026-05-04T03%3A30/);
    await settled(bangkok);
    must((await from.inputValue()) === "2026-05-04T10:30", "the date that was asked for is shown otherwise");
    await page.goto("/search?from=never&min_score=9e9&entity=%3A&sort=upwards");
    await page.getByRole("alert").waitFor();
    return [...page.faults, ...bangkok.faults].filter((one) => !/^4(00|22) GET/.test(one));
  },

  async back_and_forward(browser) {
    const page = await analyst(browser, "ann", { at: "/search" });
    await page.getByLabel("Outcome").selectOption("review");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await page.waitForURL(/outcome=review/);
    await page.locator("tbody tr a").first().click();
    await page.waitForURL(/\/decisions\//);
    const there = page.url();
    await page.goBack();
    await page.waitForURL(/outcome=review/);
    must((await page.getByLabel("Outcome").inputValue()) === "review", "the filter is lost on the way back");
    await page.locator("tbody tr").first().waitFor();
    await page.goBack();
    await page.waitForURL(/\/search$/);
    must((await page.getByLabel("Outcome").inputValue()) === "", "the filter stays without its address");
    await page.goForward();
    await page.goForward();
    await page.waitForURL(there);
    await page.getByText("Exact inputs").waitFor();
    return page.faults;
  },

  async what_is_being_written_outlives_the_session(browser) {
    const kase = await ask("/v1/cases", { title: "Written on" });
    const page = await freshly(browser, "ann", `/cases/${kase.id}`);
    await page.getByLabel("A note").fill("Half a page of what I found");
    await page.context().clearCookies(); // as when it ran out
    await page.getByRole("button", { name: "Add the note" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await signIn(page, "ann");
    must((await page.getByLabel("A note").inputValue()) === "Half a page of what I found", "what was written is lost");
    await page.getByRole("button", { name: "Add the note" }).click();
    await page.locator(".timeline").getByText("Half a page of what I found").waitFor();
    // It is nobody else's.
    await page.getByLabel("A note").fill("Mine alone");
    await page.context().clearCookies();
    await page.getByRole("button", { name: "Add the note" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await signIn(page, "bob");
    must((await page.getByLabel("A note").inputValue()) === "", "another person is shown what was being written");
    // And who leaves the page by themselves leaves it.
    await page.getByLabel("A note").fill("Dropped");
    await page.getByRole("link", { name: "Cases" }).click();
    await page.getByRole("heading", { name: "Cases" }).waitFor();
    await page.goBack();
    await page.getByLabel("A note").waitFor();
    must((await page.getByLabel("A note").inputValue()) === "", "a page that was left keeps what was written");
    return page.faults;
  },

  async two_tabs(browser) {
    await decide({ id: "tabs", customer: "tabs" });
    const alert = await until(async () => (await ask("/v1/alerts?text=tabs&state=any")).alerts[0], "it is alerted");
    const one = await freshly(browser, "ann", `/alerts/${alert.id}`);
    const two = await one.context().newPage();
    // Signed in again there, as the same person: this tab's word against forgery is old, and nobody notices.
    await two.goto("/live");
    const again = async (who) => {
      await two.getByRole("button", { name: / settings|^(ann|bob)/ }).first().click();
      await two.getByRole("menuitem", { name: "Sign out" }).click();
      await two.waitForSelector("form");
      await signIn(two, who);
    };
    await again("ann");
    await one.getByRole("button", { name: "Claim", exact: true }).click();
    await heading(one, "Claimed · ann");
    // As another: what this tab does is refused, and it says who is signed in now.
    await again("bob");
    await one.getByRole("button", { name: "Give back" }).click();
    await one.getByRole("button", { name: /^bob/ }).waitFor();
    must((await ask(`/v1/alerts/${alert.id}`)).assignee === "user:ann", "one person's click was another person's deed");
    await ask(`/v1/alerts/${alert.id}:release`, {});
    return one.faults;
  },

  async a_role_that_changes(browser) {
    await decide({ id: "roles", customer: "roles" });
    const alert = await until(async () => (await ask("/v1/alerts?text=roles&state=any")).alerts[0], "it is alerted");
    await ask("/v1/users", { name: "rita", password: "correct horse battery", roles: ["analyst"] });
    const page = await freshly(browser, "rita", `/alerts/${alert.id}`);
    const claim = page.getByRole("button", { name: "Claim", exact: true });
    await claim.waitFor();
    await ask("/v1/users/rita", { roles: ["viewer"] });
    await claim.click();
    await page.locator(".toast.bad").waitFor();
    await claim.waitFor({ state: "detached" }); // the page knows now
    await ask("/v1/users/rita", { roles: ["admin"] });
    await page.evaluate(() => dispatchEvent(new Event("visibilitychange"))); // who comes back to the tab
    await page.locator("nav").getByText("Train", { exact: true }).waitFor();
    return page.faults;
  },

  async the_server_restarts_under_a_live_page(browser) {
    const page = await freshly(browser, "vic");
    const live = page.locator(".page-head .badge", { hasText: "Live" });
    await live.waitFor();
    const restarted = fetch(process.env.CONSOLE_CONTROL, { method: "POST" });
    await page.locator(".page-head .badge", { hasText: "Connection lost" }).waitFor();
    must((await page.locator(".tile").count()) === 5, "what was known is gone while the server is away");
    await restarted;
    // Sessions end with the server; after signing in the page goes on.
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await signIn(page, "vic");
    await live.waitFor();
    must(new URL(page.url()).pathname === "/live", page.url());
    return page.faults.filter((one) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_EMPTY|ERR_CONNECTION_RESET/.test(one));
  },
};

await main(tests);
