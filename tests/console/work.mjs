// What analysts do: alerts to cases to labels, alone and against each other, by mouse and by keyboard; search, entities,
// proofs; and what the roles, the session and the protection against forged requests refuse.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { accessible, open, overflow, picture, settled } from "./browser.mjs";
import { ask, base, main, must, password, signedIn, signIn, unsigned, until } from "./runner.mjs";

const waiting = async (limit = 50) => (await ask(`/v1/alerts?state=open&limit=${limit}`)).alerts;
const heading = (page, text) => page.locator(".page-head .badge", { hasText: text }).waitFor();
const dialog = (page) => page.getByRole("dialog");
const rows = (page) => page.locator("main tbody tr");

/** Opens the dialog of a disposition and says yes. */
async function dispose(page, how, note) {
  await page.getByRole("button", { name: how, exact: true }).click();
  if (note) await dialog(page).getByLabel("Note (optional)").fill(note);
  await dialog(page).getByRole("button", { name: "Close it" }).click();
  await dialog(page).waitFor({ state: "detached" });
}

/** As a page's script would ask, with what the browser sends along. */
const fetched = (page, path, options) => page.evaluate(async ([path, options]) => {
  const answer = await fetch(path, options);
  return { status: answer.status, body: await answer.json().catch(() => null) };
}, [path, options]);

const tests = {
  async an_alert_becomes_a_case_and_a_label(browser) {
    const page = await signedIn(browser, "ann", { at: "/alerts" });
    await rows(page).first().waitFor();
    await rows(page).first().locator("a").first().click();
    await page.waitForURL(/\/alerts\/\d+$/);
    await page.locator(".waterfall").waitFor();
    await page.getByText("Importance is not causality.").waitFor();
    const alert = page.url().split("/").at(-1);
    await page.getByRole("button", { name: "Claim", exact: true }).click();
    await heading(page, "Claimed · ann");
    const told = await accessible(page, "alert");
    await page.getByRole("button", { name: "Open a case" }).click();
    await page.waitForURL(/\/cases\/\d+$/);
    const kase = page.url().split("/").at(-1);
    await page.getByLabel("A note").fill("Called the cardholder:\nshe knows nothing of it.");
    await page.getByRole("button", { name: "Add the note" }).click();
    await page.locator(".timeline").getByText("she knows nothing of it.").waitFor();
    told.push(...(await accessible(page, "case")));
    await page.getByRole("button", { name: "Confirmed fraud", exact: true }).click();
    told.push(...(await accessible(page, "disposition")));
    await dialog(page).getByLabel("Note (optional)").fill("Stolen card");
    await dialog(page).getByRole("button", { name: "Close it" }).click();
    await heading(page, "Confirmed fraud");
    // The labels come by themselves, without the page being loaded again.
    const decisions = page.locator("table.cards tbody tr");
    await decisions.first().locator(".badge.bad", { hasText: "Fraud" }).waitFor();
    const id = await decisions.first().locator("a").first().innerText();
    await decisions.first().locator("a").first().click();
    await page.waitForURL(new RegExp(`/decisions/${id}$`));
    await page.locator(".tile", { hasText: "Label" }).locator(".badge", { hasText: "Fraud" }).waitFor();
    must((await ask(`/v1/decisions/${id}`)).label === true, "the decision has no label");
    must((await ask(`/v1/decisions?label=true&limit=500`)).decisions.some((one) => one.id === id), "the search does not know the label");
    const shown = await ask(`/v1/alerts/${alert}`);
    must(shown.state === "closed" && shown.disposition === "confirmed_fraud" && shown.case === kase, "the case did not close its alert");
    // The other way: reopened, it was a mistake, and the label follows.
    await page.goto(`/cases/${kase}`);
    await page.getByRole("button", { name: "Reopen" }).click();
    await heading(page, "Open");
    await dispose(page, "False positive");
    await decisions.first().locator(".badge.good", { hasText: "Legitimate" }).waitFor();
    must((await ask(`/v1/decisions/${id}`)).label === false, "the label did not follow");
    return [...told, ...page.faults];
  },

  async two_analysts_want_the_same_alert(browser) {
    const [ann, bob] = [await signedIn(browser, "ann"), await signedIn(browser, "bob", { allow: (status, url) => status === 409 && url.endsWith(":claim") })];
    const [alert] = await waiting();
    for (const page of [ann, bob]) {
      await page.goto(`/alerts/${alert.id}`);
      await page.getByRole("button", { name: "Claim", exact: true }).waitFor();
    }
    await ann.getByRole("button", { name: "Claim", exact: true }).click();
    await heading(ann, "Claimed · ann");
    await bob.getByRole("button", { name: "Claim", exact: true }).click();
    await bob.locator(".toast.bad").waitFor();
    await heading(bob, "Claimed · ann"); // he sees who has it, without loading the page again
    must((await ask(`/v1/alerts/${alert.id}`)).assignee === "user:ann", "it is not ann's");
    await ann.getByRole("button", { name: "Give back" }).click();
    await heading(ann, "Open");
    return [...ann.faults, ...bob.faults];
  },

  async snoozed_it_is_out_of_the_way(browser) {
    const page = await signedIn(browser, "ann");
    const [alert] = await waiting();
    await page.goto(`/alerts/${alert.id}`);
    await page.getByRole("button", { name: "Snooze" }).click();
    const told = await accessible(page, "snooze");
    await dialog(page).getByRole("button", { name: "4 hours" }).click();
    await dialog(page).getByLabel("Note (optional)").fill("The bank calls back");
    await dialog(page).getByRole("button", { name: "Snooze" }).click();
    await heading(page, "Snoozed");
    await page.locator(".timeline").getByText("The bank calls back").waitFor();
    const hours = (Date.parse((await ask(`/v1/alerts/${alert.id}`)).snoozed_until) - Date.now()) / 3600000;
    must(hours > 3.9 && hours < 4.1, `snoozed for ${hours} hours`);
    await page.goto("/alerts");
    await rows(page).first().waitFor();
    must(!(await rows(page).locator("a").evaluateAll((all, id) => all.some((one) => one.href.endsWith(`/${id}`)), alert.id)), "it still waits");
    await page.getByLabel("State").selectOption("snoozed");
    await page.waitForURL(/state=snoozed/);
    await page.locator(`a[href="/alerts/${alert.id}"]`).waitFor();
    return [...told, ...page.faults];
  },

  async many_at_once(browser) {
    const page = await signedIn(browser, "bob", { at: "/alerts?state=open&sort=priority" });
    await rows(page).nth(3).waitFor();
    const chosen = await rows(page).locator("a.strong").evaluateAll((all) => all.slice(0, 3).map((one) => one.getAttribute("href").split("/").at(-1)));
    for (let i = 0; i < 3; i++) await rows(page).nth(i).getByRole("checkbox").check();
    await page.getByText("3 chosen").waitFor();
    const told = await accessible(page, "chosen");
    await picture(page, "alerts-chosen-wide-light");
    await page.locator(".card").getByRole("button", { name: "Claim", exact: true }).click();
    await page.getByText("3 alerts are yours.").waitFor();
    await page.getByLabel("State").selectOption("claimed");
    await page.getByRole("button", { name: "Mine" }).click();
    await page.waitForURL(/assignee=me/);
    await page.waitForFunction(() => document.querySelectorAll("main tbody tr").length === 3);
    await page.getByLabel("Select all on this page").check();
    await dispose(page, "False positive", "Known merchant");
    await page.getByText("3 alerts are closed; the labels are on their way.").waitFor();
    for (const id of chosen) {
      const alert = await until(async () => { const one = await ask(`/v1/alerts/${id}`); return one.decisions.every((d) => d.label === false) && one; }, "its decisions are labelled");
      must(alert.disposition === "false_positive" && alert.closed_by === "user:bob", "it was closed otherwise");
    }
    return [...told, ...page.faults];
  },

  async views_are_kept(browser) {
    const page = await signedIn(browser, "ann", { at: "/alerts" });
    await page.getByLabel("State").selectOption("closed");
    await page.waitForURL(/state=closed/);
    await page.getByRole("button", { name: "Save this view" }).click();
    await dialog(page).getByLabel("Name").fill("Done & dusted");
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await page.goto("/alerts");
    await page.getByRole("button", { name: "Done & dusted", exact: true }).click();
    await page.waitForURL(/state=closed/);
    must((await page.getByLabel("State").inputValue()) === "closed", "the filter does not follow the view");
    const bob = await signedIn(browser, "bob", { at: "/alerts" });
    await settled(bob);
    must((await bob.getByText("Done & dusted").count()) === 0, "views are each person's own");
    await page.getByRole("button", { name: "Remove the view Done & dusted" }).click();
    await page.getByRole("button", { name: "Done & dusted", exact: true }).waitFor({ state: "detached" });
    return [...page.faults, ...bob.faults];
  },

  async evidence_is_what_the_log_says(browser) {
    const page = await signedIn(browser, "otto");
    const { cases } = await ask("/v1/cases?state=any&limit=50");
    const kase = cases.find((one) => one.title === "Cards that were tried");
    await page.goto(`/cases/${kase.id}`);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Evidence pack" }).click()]);
    must(download.suggestedFilename() === `case-${kase.id}.json`, download.suggestedFilename());
    const text = readFileSync(await download.path(), "utf8");
    const pack = JSON.parse(text);
    must(pack.case.id === kase.id && pack.case.timeline.some((one) => one.note === "Both were used at the same shop."), "the case is not in it");
    must(pack.decisions.length > 0 && pack.logs.length === 2, "it lacks decisions or the ends of the logs");
    for (const one of pack.decisions) {
      const proof = await ask(`/v1/decisions/${encodeURIComponent(one.id)}:replay`, {});
      must(proof.chain === one.log.chain && proof.seq === one.log.seq && /^[0-9a-f]{64}$/.test(proof.chain), `${one.id}: another chain than the log's`);
      must(Object.keys(one.inputs).length > 3 && one.reasons !== undefined, `${one.id}: no inputs or reasons`);
    }
    // What was saved is byte by byte what the server says: evidence is not written anew by a browser.
    const again = await fetch(`${base}/v1/cases/${kase.id}/evidence`, { headers: { Authorization: `Bearer ${process.env.CONSOLE_KEY}` } });
    const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
    const steady = (words) => words.slice(words.lastIndexOf('"decisions":['), words.lastIndexOf('"logs":['));
    must(digest(steady(text)) === digest(steady(await again.text())), "the bytes are not the server's");
    return page.faults;
  },

  async a_case_is_given_to_somebody(browser) {
    const page = await signedIn(browser, "ann", { at: "/cases" });
    await page.getByRole("button", { name: "Open a case" }).click();
    await dialog(page).getByLabel("Title").fill("Mule accounts");
    await dialog(page).getByRole("button", { name: "Open the case" }).click();
    await page.waitForURL(/\/cases\/\d+$/);
    await page.locator(".facts dd", { hasText: "ann" }).first().waitFor();
    const [decision] = (await ask("/v1/decisions?sort=-score&limit=1")).decisions;
    await page.getByRole("button", { name: "Link more" }).click();
    await dialog(page).getByLabel("Event ids").fill(decision.id);
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await page.locator("table.cards").getByText(decision.id).waitFor();
    await page.getByRole("button", { name: "Assign", exact: true }).click();
    const told = await accessible(page, "assign");
    await dialog(page).getByLabel("Assigned to").fill("user:bob");
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await page.locator(".facts dd", { hasText: /^bob$/ }).waitFor();
    const bob = await signedIn(browser, "bob", { at: "/cases?assignee=me", size: "narrow" });
    await bob.getByRole("link", { name: "Mule accounts" }).click();
    await bob.waitForURL(/\/cases\/\d+$/);
    await settled(bob);
    told.push(...(await accessible(bob, "case on a phone")));
    const wide = await overflow(bob);
    await picture(bob, "case-by-hand-narrow-light");
    await dispose(bob, "Inconclusive", "Nothing to be found");
    await heading(bob, "Inconclusive");
    return [...told, ...(wide ? [wide] : []), ...page.faults, ...bob.faults];
  },

  async triage_by_keyboard_alone(browser) {
    const page = await signedIn(browser, "ann");
    const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    await press("g", "a");
    await page.waitForURL(/\/alerts$/);
    await rows(page).nth(2).waitFor();
    await press("j", "j", "j", "k");
    must((await rows(page).nth(1).getAttribute("aria-selected")) === "true", "j and k do not walk the rows");
    must(await rows(page).nth(1).evaluate((row) => row === document.activeElement), "the row does not have the focus");
    const id = (await rows(page).nth(1).locator("a").first().getAttribute("href")).split("/").at(-1);
    await press("c");
    await page.getByText("1 alert is yours.").waitFor();
    await rows(page).nth(1).locator(".badge", { hasText: "Claimed · ann" }).waitFor();
    await press("Enter");
    await page.waitForURL(new RegExp(`/alerts/${id}$`));
    await page.locator(".waterfall").waitFor();
    await press("r");
    await heading(page, "Open");
    await press("c");
    await heading(page, "Claimed · ann");
    await press("f");
    await dialog(page).getByText("Confirmed fraud").waitFor();
    await page.keyboard.type("By keyboard");
    await press("Control+Enter");
    await heading(page, "Confirmed fraud");
    await page.locator(".timeline").getByText("By keyboard").waitFor();
    await press("u");
    await page.waitForURL(/\/alerts$/);
    await rows(page).first().waitFor();
    await press("?");
    const told = await accessible(page, "keys of the queue");
    await dialog(page).getByText("Give back").waitFor();
    await press("Escape");
    await dialog(page).waitFor({ state: "detached" });
    return [...told, ...page.faults];
  },

  async search_by_filters_and_through_pages(browser) {
    const page = await signedIn(browser, "vic", { at: "/search" });
    const counted = (n) => page.waitForFunction((n) => document.querySelectorAll("main tbody tr").length === n, n);
    await counted(50);
    const seen = new Set();
    for (let i = 1; ; i++) {
      await page.getByText(`Page ${i} ·`).waitFor();
      await until(async () => (await page.locator("main tbody tr td:first-child").first().innerText()) && !seen.has(await page.locator("main tbody tr td:first-child").first().innerText()), "the next page came");
      for (const id of await page.locator("main tbody tr td:first-child").allInnerTexts()) seen.add(id);
      if (i === 6) break;
      await page.getByRole("button", { name: "Next" }).click();
    }
    must(seen.size === 300, `six pages have ${seen.size} decisions`);
    await page.getByRole("button", { name: "Back" }).click();
    await page.getByText("Page 5 ·").waitFor();
    // Outcome and score together, then what cannot be: each answers, and says what there is.
    const strict = (await ask("/v1/decisions?sort=-score&limit=1")).decisions[0];
    await page.getByLabel("Outcome").selectOption(strict.outcome);
    await page.getByLabel("Lowest score").fill(String(strict.score));
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await page.waitForURL(/outcome=.*min_score=/);
    await page.locator("main tbody tr", { hasText: strict.id }).waitFor();
    const outcomes = await page.locator("main tbody td:nth-child(3)").allInnerTexts();
    must(outcomes.every((one) => one === strict.outcome), "other outcomes are in it");
    await page.getByLabel("Highest score").fill("0");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await page.getByText("No decision matches").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await counted(50);
    await page.getByLabel("Event id").fill(strict.id.slice(0, 3));
    await page.getByLabel("Event id").press("Enter");
    await page.waitForURL(/id_prefix=/);
    await settled(page);
    must((await page.locator("main tbody tr td:first-child").allInnerTexts()).every((id) => id.startsWith(strict.id.slice(0, 3))), "ids that begin otherwise");
    await page.getByLabel("Event id").fill(strict.id);
    await page.getByLabel("Event id").press("Enter");
    await page.waitForURL(new RegExp(`/decisions/${strict.id}$`));
    return page.faults.filter((one) => !(one.startsWith("404 GET") && one.endsWith(`/${strict.id.slice(0, 3)}`)));
  },

  async from_a_decision_to_who_shares_it(browser) {
    const page = await signedIn(browser, "vic");
    const [decision] = (await ask("/v1/decisions?sort=-score&limit=1")).decisions;
    await page.goto(`/decisions/${decision.id}`);
    await page.locator(".facts a[href^='/entities/']").first().click();
    await page.waitForURL(/\/entities\//);
    await settled(page);
    const here = page.url();
    const told = await accessible(page, "entity");
    await page.locator(".card", { hasText: "History" }).getByText(decision.id).waitFor();
    must((await page.locator(".card", { hasText: "Velocities now" }).locator("tbody tr").count()) > 0, "no velocities");
    const linked = page.locator(".card", { hasText: "Linked entities" }).locator("tbody tr");
    must((await linked.count()) > 0, "no linked entities");
    await linked.first().locator("a").click();
    await page.waitForURL((url) => url.href !== here && url.pathname.startsWith("/entities/"));
    await settled(page);
    await page.getByRole("link", { name: "All decisions" }).click();
    await page.waitForURL(/\/search\?entity=/);
    await rows(page).first().waitFor();
    return [...told, ...page.faults];
  },

  async a_decision_proves_itself(browser) {
    const page = await signedIn(browser, "otto");
    const [decision] = (await ask("/v1/decisions?sort=-score&limit=1")).decisions;
    await page.goto(`/decisions/${decision.id}`);
    await page.getByRole("button", { name: "Decide again" }).click();
    await page.getByText("Equal to the bit").waitFor();
    const { chain } = await ask(`/v1/decisions/${decision.id}:replay`, {});
    await page.getByText(chain).waitFor();
    // The waterfall adds up: what it starts with and each effect make the sum, which is the model's.
    const { model, features } = await ask(`/v1/decisions/${decision.id}/explanation`);
    const sum = features.reduce((all, one) => all + (one.contribution ?? 0), model.base);
    must(Math.abs(sum - model.margin) < 1e-6 * Math.max(1, Math.abs(model.margin)), `${sum} is not ${model.margin}`);
    const told = await accessible(page, "decision");
    return [...told, ...page.faults];
  },

  async refused_where_the_role_does_not_allow(browser) {
    const allow = (status) => status === 403;
    const [alert] = await waiting();
    const told = [];
    for (const who of ["vic", "otto", "eve"]) {
      const page = await signedIn(browser, who, { at: "/alerts", allow });
      await rows(page).first().waitFor();
      must((await page.getByRole("checkbox").count()) === 0, `${who} can choose alerts`);
      await page.goto(`/alerts/${alert.id}`);
      await page.locator(".waterfall").waitFor();
      for (const name of ["Claim", "Snooze", "Open a case", "Confirmed fraud"])
        must((await page.getByRole("button", { name, exact: true }).count()) === 0, `${who} is shown ${name}`);
      // And the server does not rely on the page.
      const { body: session } = await fetched(page, "/v1/session");
      const refused = await fetched(page, `/v1/alerts/${alert.id}:claim`, { method: "POST", body: "{}", headers: { "Content-Type": "application/json", "X-CSRF-Token": session.csrf } });
      must(refused.status === 403, `${who} claims: ${refused.status}`);
      const audits = (await page.locator("nav").getByText("Audit", { exact: true }).count()) === 1;
      must(audits === (who === "otto"), `${who} and the audit page`);
      told.push(...page.faults);
    }
    const sam = await signedIn(browser, "sam", { at: "/live", allow });
    await sam.getByText("You may not see this").waitFor();
    must((await sam.locator("nav a").count()) === 0, "a scorer has pages");
    told.push(...(await accessible(sam, "no permission")), ...sam.faults);
    must((await ask(`/v1/alerts/${alert.id}`)).state === "open", "somebody could claim it");
    return told;
  },

  async a_session_that_ended_leads_to_signing_in(browser) {
    const page = await signedIn(browser, "ann", { at: "/search?sort=-score", allow: (status) => status === 401 });
    await rows(page).first().waitFor();
    await page.context().clearCookies(); // as when it ran out
    await page.getByRole("button", { name: "Newest" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    must((await page.locator("tbody tr").count()) === 0, "what was asked before is still to be seen");
    await signIn(page, "ann");
    must(new URL(page.url()).pathname === "/search", `signed in, it is ${page.url()}`);
    // A user who may no longer sign in is out at once.
    await ask("/v1/users", { name: "tim", password, roles: ["viewer"] });
    const tim = await signedIn(browser, "tim", { at: "/search", allow: (status) => status === 401 });
    await rows(tim).first().waitFor();
    await ask("/v1/users/tim", { disabled: true });
    await tim.getByRole("button", { name: "Top risk" }).click();
    await tim.getByRole("heading", { name: "Sign in" }).waitFor();
    return [...page.faults, ...tim.faults];
  },

  async forged_requests_are_refused(browser) {
    const page = await signedIn(browser, "ann", { allow: (status) => status === 403 || status === 401 });
    const [alert] = await waiting();
    const post = (headers) => fetched(page, `/v1/alerts/${alert.id}:claim`, { method: "POST", body: "{}", headers: { "Content-Type": "application/json", ...headers } });
    must((await post({})).status === 403, "a change without the session's text is taken");
    must((await post({ "X-CSRF-Token": "0".repeat(32) })).status === 403, "a change with another text is taken");
    must((await ask(`/v1/alerts/${alert.id}`)).state === "open", "the alert was changed");
    // Another site: its script may not read, and the cookie does not go along with what it sends.
    const other = await open(browser, base, { allow: unsigned });
    await other.goto("/favicon.svg");
    must((await page.context().cookies()).every((cookie) => cookie.sameSite === "Strict" && cookie.httpOnly), "a cookie goes along from other sites");
    const { body: session } = await fetched(page, "/v1/session");
    must((await post({ "X-CSRF-Token": session.csrf })).status === 200, "the page itself is refused");
    must((await fetched(page, `/v1/alerts/${alert.id}:release`, { method: "POST", body: "{}", headers: { "Content-Type": "application/json", "X-CSRF-Token": session.csrf } })).status === 200, "it cannot be given back");
    return [...page.faults, ...other.faults];
  },

  async live_counts_what_waits(browser) {
    const page = await signedIn(browser, "vic");
    await page.goto("/live");
    await page.locator(".page-head .badge", { hasText: "Live" }).waitFor();
    const shown = page.locator(".tile", { hasText: "Open alerts" }).locator("a");
    await until(async () => Number((await shown.innerText()).replace(/\D/g, "")) === (await ask("/v1/alerts?state=open&limit=1")).queues.reduce((sum, one) => sum + one.open, 0), "the tile has the number of open alerts");
    await shown.click();
    await page.waitForURL(/\/alerts$/);
    return page.faults;
  },
};

await main(tests);
