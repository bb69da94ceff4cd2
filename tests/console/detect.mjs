// What engineers, auditors and admins do: rules from a mistake to a hit, models from training to a rollback, lists,
// features, daily risk, the audit, keys and users; each page in each theme, width and language.
import { accessible, overflow, picture, settled, sizes } from "./browser.mjs";
import { ask, base, main, must, password, signedIn, until } from "./runner.mjs";

const dialog = (page) => page.getByRole("dialog");
const heading = (page, text) => page.locator(".page-head .badge", { hasText: text }).first().waitFor();
const tile = (page, name) => page.locator(".tile", { has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) }).locator("dd");
/** The number that a place begins with. */
const count = async (place) => Number(/-?[\d,.]+/.exec(await place.innerText())?.[0].replaceAll(",", "") ?? NaN);
/** What the dialog asks, answered with yes. */
async function say(page, name) {
  await dialog(page).getByRole("button", { name, exact: true }).click();
  await dialog(page).waitFor({ state: "detached" });
}
async function write(page, text) {
  await page.locator(".editor .cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
}
let decided = 0;
/** Decides an event of ours. */
const decide = (fields) => ask("/v1/decisions", {
  transaction_id: 900000 + ++decided, timestamp: new Date(Date.UTC(2026, 4, 5) + decided * 1000).toISOString().slice(0, 19) + "Z",
  account_id: "W000001", counterparty_id: "M00001", transaction_type: "payment", amount: "10", balance: "100", device_id: "D0000001", ...fields,
});

const tests = {
  async a_rule_from_a_mistake_to_a_hit(browser) {
    const ann = await signedIn(browser, "ann", { at: "/rules", allow: (status, url) => status === 422 && url.includes("dry_run") });
    await ann.getByRole("link", { name: "Write a rule" }).click();
    await ann.getByLabel("Name", { exact: true }).fill("BIG_TRANSFER");
    await write(ann, "transaction_type = 'transfer'\nand amuont > 0.4 * balance");
    await ann.getByText("did you mean amount?").first().waitFor();
    await ann.getByText("Line 2, column 5:").waitFor();
    must((await ann.locator(".editor .cm-lintRange-error").innerText()) === "amuont", "the mistake is not marked at its place");
    must(await ann.getByRole("button", { name: "Save as draft" }).isDisabled(), "a rule that does not compile can be saved");
    const told = await accessible(ann, "rule with a mistake");
    await picture(ann, "rule-mistake-wide-light");
    await write(ann, "transaction_type = 'transfer'\nand amount > 0.4 * balance");
    await ann.getByText("It compiles.").waitFor();

    // What it would have done, against what the server says itself.
    await ann.getByRole("button", { name: "Backtest", exact: true }).click();
    await ann.getByText("Outcomes changed").waitFor({ timeout: 60000 });
    const job = await ask("/v1/rules:backtest", { rules: { BIG_TRANSFER: { when: "transaction_type = 'transfer' and amount > 0.4 * balance", then: "review" } } });
    const [result] = job.result.rules;
    must(result.hits.events > 0 && (await count(tile(ann, "Hits"))) === result.hits.events, "the hits are others");
    must(Math.abs((await count(tile(ann, "Precision"))) - result.precision.value * 100) < 0.06, "the precision is another");
    const fact = (name) => ann.locator(".facts dt", { hasText: new RegExp(`^${name}$`) }).locator("xpath=following-sibling::dd[1]");
    must((await count(fact("Cost of alerts"))) > 0 && /2 each/.test(await fact("Cost of alerts").innerText()), "no cost of alerts");
    must((await fact("Overlap with").innerText()).includes(Object.keys(result.overlap)[0] ?? "no other rule"), "the overlap is another");
    told.push(...(await accessible(ann, "backtest")));
    await picture(ann, "backtest-wide-light");
    await picture(ann, "readme-rules", { window: true });

    await ann.getByRole("button", { name: "Save as draft" }).click();
    await ann.waitForURL(/\/rules\/BIG_TRANSFER$/);
    must(await ann.getByRole("button", { name: "Approve" }).isDisabled(), "an analyst can approve");
    const eve = await signedIn(browser, "eve", { at: "/rules/BIG_TRANSFER" });
    await eve.getByRole("button", { name: "Approve" }).click();
    told.push(...(await accessible(eve, "approve")));
    await dialog(eve).getByLabel("Note (optional)").fill("Read with ann");
    await say(eve, "Approve");
    await heading(eve, "Approved");

    // In shadow it is recorded and changes nothing; live it decides; retired it is out.
    await eve.getByRole("button", { name: "Run in shadow" }).click();
    await say(eve, "Run in shadow");
    await heading(eve, "Shadow");
    const hit = { transaction_type: "transfer", amount: "70", balance: "100" };
    const shadowed = await decide(hit);
    must(!shadowed.rules.includes("BIG_TRANSFER"), "a shadow decides");
    await eve.goto(`/decisions/${shadowed.id}`);
    await eve.getByText("In shadow, changing nothing:").waitFor();
    await eve.getByText("BIG_TRANSFER").first().waitFor();
    await eve.goto("/rules/BIG_TRANSFER");
    await eve.getByRole("button", { name: "Go live" }).click();
    await say(eve, "Go live");
    await heading(eve, "Live");
    const fired = await decide(hit);
    must(fired.rules.includes("BIG_TRANSFER") && fired.outcome !== "approve", `it does not fire: ${JSON.stringify(fired)}`);
    await ann.goto(`/decisions/${fired.id}`);
    await ann.locator("main").getByText("BIG_TRANSFER").first().waitFor();
    await ann.goto("/rules");
    const row = ann.locator("tbody tr", { hasText: "BIG_TRANSFER" });
    must((await count(row.locator("td.number"))) >= 1, "no hit is counted");
    await row.locator(".badge", { hasText: "Live" }).waitFor();

    // A newer draft beside it, then both are out.
    await ann.goto("/rules/BIG_TRANSFER");
    await write(ann, "transaction_type = 'transfer' and amount > 0.7 * balance");
    await ann.getByText("It compiles.").waitFor();
    await ann.getByRole("button", { name: "Save as new version" }).click();
    await ann.getByText("in force: version 1").waitFor();
    await eve.goto("/rules/BIG_TRANSFER");
    await eve.getByRole("button", { name: "Retire" }).click();
    await say(eve, "Retire");
    await eve.getByText("in force: version 1").waitFor({ state: "detached" });
    must(!(await decide(hit)).rules.includes("BIG_TRANSFER"), "a retired rule fires");
    await eve.getByRole("button", { name: "Retire" }).click(); // the draft too
    await say(eve, "Retire");
    await heading(eve, "Retired");
    return [...told, ...ann.faults, ...eve.faults];
  },

  async the_editor_completes(browser) {
    const page = await signedIn(browser, "ann", { at: "/rules/+" });
    await page.locator(".editor .cm-content").click();
    await page.keyboard.type("account_n");
    await page.locator(".editor .cm-tooltip-autocomplete").getByText("account_n_1h").click();
    must((await page.locator(".editor .cm-line").first().innerText()) === "account_n_1h", "the completion is not taken");
    await page.keyboard.type(" > 3 and in_list(list(");
    return page.faults.filter((one) => !one.startsWith("422 "));
  },

  async rules_of_the_settings_are_shown_as_such(browser) {
    const page = await signedIn(browser, "ann", { at: "/rules/EMPTIED" });
    await page.getByText("Stands in the settings file").waitFor();
    must((await page.getByRole("button", { name: /Save|Retire|Approve/ }).count()) === 0, "it can be changed here");
    return [...(await accessible(page, "rule of the settings")), ...page.faults];
  },

  async a_model_is_trained_compared_promoted_and_rolled_back(browser) {
    const page = await signedIn(browser, "eve", { at: "/train" });
    const before = await ask("/v1/models");
    const champion = before.models.find((one) => one.aliases.includes("champion")).id;
    await page.getByText(champion).waitFor();
    await page.getByRole("button", { name: "Start training" }).click();
    await page.getByRole("progressbar").waitFor();
    const told = await accessible(page, "training");
    await picture(page, "train-running-wide-light");
    await page.reload(); // who leaves the page finds the training again
    await page.getByText("Trained, better than chance: it is the champion.").waitFor({ timeout: 120000 });
    told.push(...(await accessible(page, "trained")));
    await picture(page, "train-done-wide-light");
    const made = await page.locator("main .note ~ .facts a.mono").innerText();
    must(!before.models.some((one) => one.id === made), "no new model");

    must((await ask("/v1/status")).plan.model === "boost", "it is not in force");
    await page.getByRole("link", { name: "See all models" }).click();
    await page.waitForURL(/\/models$/);
    const row = (id) => page.locator("tbody tr", { hasText: id });
    await row(made).locator(".badge", { hasText: "Champion" }).waitFor();
    for (const id of [made, champion]) await row(id).getByRole("checkbox").check();
    await page.getByRole("heading", { name: "Side by side" }).waitFor();
    await page.getByRole("img", { name: "Calibration" }).waitFor();
    for (const name of ["Precision over recall", "ROC", "Calibration"])
      must((await page.getByRole("img", { name, exact: true }).locator("polyline").count()) === 2, `${name} has not two lines`);
    const compare = page.locator(".card", { hasText: "Side by side" });
    const first = compare.locator("tbody tr").last().locator("td").first();
    const was = await first.innerText();
    await compare.getByRole("slider").fill("0.8");
    must((await first.innerText()) !== was && /false positive/.test(await first.innerText()) && /cost/.test(await first.innerText()), "the slider changes nothing");
    told.push(...(await accessible(page, "compare")));
    await picture(page, "compare-wide-light");

    // The threshold, against the metrics: counts and cost.
    await row(made).locator("a").click();
    await page.waitForURL(/\/models\/./);
    const { metrics } = await ask(`/v1/models/${encodeURIComponent(made)}`);
    const slider = page.getByRole("slider");
    await page.getByRole("button", { name: "To the lowest cost" }).click();
    const least = metrics.test.thresholds.reduce((best, one) => (one.cost < best.cost ? one : best));
    must((await count(tile(page, "Cost"))) === Number(least.cost.toFixed(2)), "it is not the lowest cost");
    await slider.focus();
    await page.keyboard.press("Home");
    const lowest = metrics.test.thresholds.reduce((best, one) => (one.threshold < best.threshold ? one : best));
    must((await count(tile(page, "Fraud caught"))) === lowest.tp && (await count(tile(page, "False positives"))) === lowest.fp, "the counts are not those of the threshold");
    told.push(...(await accessible(page, "model")));

    // Back to the one before: in force at once, and told in its history.
    await page.goto(`/models/${encodeURIComponent(champion)}`);
    await page.getByRole("button", { name: "Promote" }).click();
    told.push(...(await accessible(page, "promote")));
    await say(page, "Promote");
    await heading(page, "Champion");
    const now = (await ask("/v1/models")).models.find((one) => one.id === champion);
    must(now.aliases.includes("champion"), "it is not the champion");
    await until(async () => (await ask("/v1/status")).plan.model === now.kind, "it decides");
    await page.locator(".timeline").getByText(/· eve$/).first().waitFor();
    return [...told, ...page.faults];
  },

  async lists_have_entries_that_end(browser) {
    const page = await signedIn(browser, "ann", { at: "/lists" });
    await page.getByRole("link", { name: "watched" }).click();
    await page.waitForURL(/\/lists\/watched$/);
    await page.getByText("Page 1 · 50 rows").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("Page 2 ·").waitFor();
    await page.getByRole("button", { name: "Add values" }).click();
    const told = await accessible(page, "add to a list");
    await dialog(page).getByLabel("Values").fill("W-one\nW-two");
    await dialog(page).getByLabel("Expires").fill("2h");
    await dialog(page).getByLabel("Note (optional)").fill("Reported twice");
    await say(page, "Add values");
    await page.getByText("2 values are in the list.").waitFor();
    const { items } = await ask("/v1/lists/watched?limit=100");
    const one = items.find((item) => item.value === "W-one");
    const hours = (Date.parse(one.expires) - Date.now()) / 3600000;
    must(hours > 1.9 && hours < 2.1 && one.note === "Reported twice", JSON.stringify(one));
    await page.goto("/lists/watched");
    for (;;) {
      await settled(page);
      if ((await page.getByText("W-one").count()) > 0) break;
      await page.getByRole("button", { name: "Next" }).click();
      await page.getByText("Page 2 ·").waitFor();
    }
    await page.getByRole("button", { name: "Remove W-one" }).click();
    await say(page, "Remove");
    await page.locator("td", { hasText: "W-one" }).waitFor({ state: "detached" });
    must(!(await ask("/v1/lists/watched?limit=100")).items.some((item) => item.value === "W-one"), "it is still in the list");
    await page.getByRole("button", { name: "Add values" }).click();
    await dialog(page).getByLabel("Values").fill("W-three");
    await dialog(page).getByLabel("Expires").fill("tomorrow");
    await dialog(page).getByRole("button", { name: "Add values" }).click();
    await page.locator(".toast.bad").waitFor();
    const vic = await signedIn(browser, "vic", { at: "/lists/watched" });
    must((await vic.getByRole("button", { name: /Add|Remove/ }).count()) === 0, "a viewer can change lists");
    return [...told, ...page.faults.filter((one) => !one.startsWith("422 ")), ...vic.faults];
  },

  async features_have_distributions(browser) {
    const page = await signedIn(browser, "vic", { at: "/features" });
    await page.getByRole("button", { name: "amount", exact: true }).waitFor();
    await page.getByText("Scores against the training").waitFor();
    const drift = await ask("/v1/drift?decisions=2000");
    const line = (name) => page.locator("tbody tr", { has: page.getByRole("button", { name, exact: true }) });
    for (const one of drift.features.filter((one) => one.verdict !== null))
      must((await line(one.name).locator(".badge").innerText()).toLowerCase().startsWith(one.verdict.replace("_", " ")), `${one.name}: another verdict`);
    await page.getByRole("button", { name: "account_ratio", exact: true }).click();
    await page.getByRole("img", { name: "Recent", exact: true }).waitFor();
    await page.getByRole("button", { name: "transaction_type", exact: true }).click();
    await page.getByRole("cell", { name: "cash_out", exact: true }).waitFor();
    const told = await accessible(page, "a feature");
    await picture(page, "feature-wide-light");
    await page.getByLabel("Find a feature").fill("device");
    await page.getByRole("button", { name: "device_n_1d", exact: true }).waitFor();
    must((await page.locator("tbody button").count()) === 1, "other features are found too");
    return [...told, ...page.faults];
  },

  async a_rule_by_keyboard_alone(browser) {
    const page = await signedIn(browser, "ann", { at: "/live", allow: (status, url) => status === 422 && url.includes("dry_run") });
    const press = page.keyboard.press.bind(page.keyboard);
    /** Tab until the focus is on what has this name; it may be in the editor. */
    const tabTo = async (name) => {
      for (let i = 0; i < 60; i++) {
        const at = await page.evaluate(() => {
          const one = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement;
          return one?.getAttribute("aria-label") ?? one?.labels?.[0]?.innerText.split("\n")[0] ?? one?.innerText ?? "";
        });
        if (at.trim() === name) return;
        await press("Tab");
      }
      throw new Error(`Tab does not come to ${name}`);
    };
    await press("g");
    await press("r");
    await page.waitForURL(/\/rules$/);
    await settled(page);
    await tabTo("Write a rule");
    await press("Enter");
    await page.waitForURL(/\/rules\/\+$/);
    await settled(page);
    await tabTo("Name");
    await page.keyboard.type("BY_KEYBOARD");
    await tabTo("Condition");
    await page.keyboard.type("amuont > 90");
    await page.getByText("did you mean amount?").first().waitFor();
    await press("Control+a");
    await page.keyboard.type("amount > 90000");
    await page.getByText("It compiles.").waitFor();
    await press("Escape"); // the completion's list, if it is open
    await tabTo("Save as draft");
    await press("Enter");
    await page.waitForURL(/\/rules\/BY_KEYBOARD$/);
    await page.locator(".page-head .badge", { hasText: "Draft" }).waitFor();
    must((await ask("/v1/rules/BY_KEYBOARD")).versions?.at(-1)?.when !== "", "no such rule");
    return page.faults;
  },

  async days_with_reasons(browser) {
    const page = await signedIn(browser, "vic", { at: "/daily" });
    await page.locator(".calendar .day.bad").first().waitFor();
    await settled(page);
    await picture(page, "readme-daily", { window: true });
    const { rows } = await ask("/v1/rollups/daily_fraud_alert?sort=-period&limit=93");
    const heads = await page.locator("thead th").allInnerTexts();
    for (const name of ["Date", "Count", "Average amount", "Risky", "Score", "Level", "Reason", "Suggested action"]) must(heads.includes(name), `no ${name}`);
    must((await page.locator("tbody tr").count()) === rows.length, "the table has not its rows");
    const high = rows.findIndex((row) => row.alert_level === "HIGH" && row.fraud_reason === "HIGH_TX_VS_BALANCE");
    const cells = await page.locator("tbody tr").nth(high).locator("td").allInnerTexts();
    must(["HIGH", "HIGH_TX_VS_BALANCE", "Freeze high-value tx"].every((word) => cells.includes(word)), cells.join(" | "));
    must(Number(cells[heads.indexOf("Count") - 1]) > 10 && Number(cells[heads.indexOf("Risky") - 1]) >= 2, cells.join(" | "));
    must((await page.locator(".calendar .day.bad").count()) === rows.filter((row) => row.alert_level === "HIGH").length, "the calendar has other days");
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("Page 2 ·").waitFor();
    await until(async () => Number(await page.locator("tbody tr").last().locator("td").nth(heads.indexOf("Count") - 1).innerText()) > 10, "older days have their counts");
    await page.getByRole("combobox", { name: "Table" }).selectOption("finance_fraud_daily");
    await page.waitForURL(/table=finance_fraud_daily/);
    await settled(page);
    const told = await accessible(page, "another table");
    return [...told, ...page.faults];
  },

  async the_audit_is_searched_and_verified(browser) {
    const page = await signedIn(browser, "otto", { at: "/audit" });
    await page.getByLabel("What").fill("user.");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await page.waitForURL(/kind=user/);
    await settled(page);
    const kinds = await page.locator("tbody .chip").allInnerTexts();
    must(kinds.length > 0 && kinds.every((one) => one.startsWith("user.")), kinds.join());
    await page.locator("tbody tr").first().locator("td").first().click();
    await dialog(page).getByText("chain").first().waitFor();
    const told = await accessible(page, "an entry");
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Sign a checkpoint" }).click();
    await page.getByText("Both logs are signed up to here").waitFor();
    await page.getByRole("button", { name: "Verify both logs" }).click();
    await page.getByText("Whole: every record").waitFor({ timeout: 60000 });
    const lines = await page.locator(".card", { hasText: "Verification" }).locator("tbody tr").allInnerTexts();
    must(lines.length === 2 && lines.every((one) => /Whole/.test(one)), lines.join("; "));
    const { result } = await ask("/v1/audit:verify", {});
    must(lines[0].includes(result.logs[0].chain) || result.logs[0].records > 0, "another chain");
    told.push(...(await accessible(page, "verified")));
    await picture(page, "verified-wide-light");
    return [...told, ...page.faults];
  },

  async keys_and_users(browser) {
    const page = await signedIn(browser, "ada", { at: "/admin?tab=keys" });
    const whose = async (secret) => (await fetch(`${base}/v1/session`, { headers: { Authorization: `Bearer ${secret}` } })).status;
    await page.getByRole("button", { name: "New key" }).click();
    await dialog(page).getByLabel("Name").fill("partner");
    await dialog(page).getByLabel("Expires").fill("90d");
    const told = await accessible(page, "new key");
    await dialog(page).getByRole("button", { name: "Make the key" }).click();
    const secret = await dialog(page).getByLabel("Secret").inputValue();
    must((await whose(secret)) === 200, "the key is not known");
    told.push(...(await accessible(page, "secret")));
    await say(page, "Done");
    const row = page.locator("tbody tr", { hasText: "partner" });
    must(!(await row.innerText()).includes("never"), "the key never expires");
    await row.getByRole("button", { name: "Rotate" }).click();
    await dialog(page).getByRole("button", { name: "Rotate" }).click();
    await dialog(page).getByLabel("Secret").waitFor();
    const next = await dialog(page).getByLabel("Secret").inputValue();
    must(next !== secret && (await whose(next)) === 200, "the new secret is not known");
    await say(page, "Done");
    await row.getByRole("button", { name: "Revoke" }).click();
    await say(page, "Revoke");
    await row.locator(".badge", { hasText: "Revoked" }).waitFor();
    must((await whose(next)) === 401, "a revoked key is taken");

    await page.getByRole("tab", { name: "Users" }).click();
    await page.getByRole("button", { name: "New user" }).click();
    await dialog(page).getByLabel("Name").fill("ida");
    await dialog(page).getByLabel("Password").fill(password);
    await say(page, "Make the user");
    await page.locator("tbody tr", { hasText: "ida" }).waitFor();
    const ida = await signedIn(browser, "ida", { at: "/lists" });
    must((await ida.locator("nav").getByText("Train", { exact: true }).count()) === 0, "a viewer sees Train");
    await page.getByRole("button", { name: "Change ida" }).click();
    await dialog(page).getByRole("checkbox", { name: /^engineer/ }).check();
    told.push(...(await accessible(page, "change a user")));
    await say(page, "Save");
    await page.locator("tbody tr", { hasText: "ida" }).getByText("engineer").waitFor();
    must((await ask("/v1/users")).items.find((one) => one.name === "ida").roles.includes("engineer"), "the role is not kept");
    return [...told, ...page.faults, ...ida.faults];
  },

  async settings_and_health(browser) {
    const page = await signedIn(browser, "ada", { at: "/admin" });
    await page.locator(".tile .badge", { hasText: "Ready" }).waitFor();
    must((await count(tile(page, "Decisions since start"))) >= 900, "other decisions");
    await page.getByRole("tab", { name: "Settings" }).click();
    const row = page.locator("tbody tr", { hasText: "model.alert_cost" });
    await row.waitFor();
    must(/assay\.yaml/.test(await row.innerText()), await row.innerText());
    must((await page.locator("tbody tr", { hasText: "server.port" }).getByText("default").count()) === 0, "defaults are shown among what was set");
    await page.getByLabel("Only what was set").uncheck();
    await page.getByLabel("Find a key").fill("server.queue");
    await page.locator("tbody tr", { hasText: "server.queue" }).getByText("default").first().waitFor();
    await page.getByRole("button", { name: "Reload settings" }).click();
    await page.getByText("The settings are read again.").waitFor();
    return page.faults;
  },

  async theme_and_language_are_kept(browser) {
    const page = await signedIn(browser, "vic", { at: "/rules" });
    const choose = async (name) => {
      if (!(await page.getByRole("menu").isVisible())) await page.locator(".me button").click();
      await page.getByRole("menuitemradio", { name }).click();
    };
    await choose("Dark");
    must((await page.locator("html").getAttribute("data-theme")) === "dark", "the theme did not change");
    for (const [name, language, word] of [["Bahasa Indonesia", "id", "Aturan"], ["ภาษาไทย", "th", "กฎ"], ["Français", "fr", "Règles"]]) {
      await choose(name);
      await page.waitForFunction((to) => document.documentElement.lang === to, language);
      await page.getByRole("heading", { name: word, exact: true }).waitFor({ state: "attached" });
    }
    await page.reload();
    await page.getByRole("heading", { name: "Règles", exact: true }).waitFor();
    must((await page.locator("html").getAttribute("data-theme")) === "dark", "the theme is not kept");
    must((await page.locator("html").getAttribute("lang")) === "fr", "the language is not kept");
    return page.faults;
  },

  async words_numbers_and_dates_by_language(browser) {
    const page = await signedIn(browser, "otto", { at: "/lists" });
    const expected = {
      en: [/^\d\d? \w{3,4} 2026$/, /^\d+\.\d\d$/, "Page 1 · 1 row", "Page 1 · 50 rows"], fr: [/^\d\d? .+ 2026$/, /^\d+,\d\d$/, "Page 1 · 1 ligne", "Page 1 · 50 lignes"],
      id: [/^\d\d? \w{3} 2026$/, /^\d+,\d\d$/, "Halaman 1 · 1 baris", "Halaman 1 · 50 baris"], th: [/^\d\d? .+ 2569$/, /^\d+\.\d\d$/, "หน้า 1 · 1 แถว", "หน้า 1 · 50 แถว"],
    };
    for (const [language, [date, amount, one, many]] of Object.entries(expected)) {
      await page.evaluate((language) => localStorage.setItem("assay.language", language), language);
      await page.goto("/daily");
      await page.waitForFunction((to) => document.documentElement.lang === to, language);
      const row = page.locator("tbody tr").first();
      await row.waitFor();
      const [day, average] = [await row.locator("th").innerText(), await row.locator("td").nth(1).innerText()];
      must(date.test(day) && amount.test(average), `${language}: ${day}, ${average}`);
      await page.goto("/audit?kind=user.created&subject=user/vic");
      await page.getByText(one, { exact: true }).waitFor();
      await page.goto("/lists/watched");
      await page.getByText(many, { exact: true }).waitFor();
    }
    return page.faults;
  },

  async refused_where_the_role_does_not_allow(browser) {
    const vic = await signedIn(browser, "vic", { at: "/rules", allow: (status) => status === 403 });
    await settled(vic);
    must((await vic.getByRole("link", { name: "Write a rule" }).count()) === 0, "a viewer may write rules");
    for (const name of ["Train", "Audit"]) must((await vic.locator("nav").getByText(name, { exact: true }).count()) === 0, `a viewer sees ${name}`);
    for (const at of ["/train", "/audit", "/admin?tab=keys", "/admin?tab=users"]) {
      await vic.goto(at);
      await vic.getByText("You may not see this").waitFor();
    }
    await vic.goto("/models");
    await settled(vic);
    await vic.locator("tbody a.mono").first().click();
    await vic.waitForURL(/\/models\/./);
    await settled(vic);
    must((await vic.getByRole("button", { name: "Promote" }).count()) === 0, "a viewer may promote");
    const refused = await vic.evaluate(async () => {
      const { csrf } = await (await fetch("/v1/session")).json();
      return (await fetch("/v1/models:train", { method: "POST", body: "{}", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf } })).status;
    });
    must(refused === 403, `a viewer trains: ${refused}`);
    return [...(await accessible(vic, "no permission")), ...vic.faults];
  },
};

async function places() {
  const [model] = (await ask("/v1/models")).models;
  return {
    daily: "/daily", rules: "/rules", "rule-new": "/rules/+", rule: "/rules/EMPTIED", "rule-versions": "/rules/BIG_TRANSFER", lists: "/lists", list: "/lists/watched", features: "/features",
    models: "/models", model: `/models/${encodeURIComponent(model.id)}`, train: "/train", audit: "/audit", health: "/admin", settings: "/admin?tab=settings", keys: "/admin?tab=keys", users: "/admin?tab=users",
  };
}

/** What may be wrong with a page as it is now: wider than the window, a fault, and with `axe` what that finds. */
async function wrong(page, what, axe) {
  await settled(page);
  await picture(page, what);
  const wide = await overflow(page);
  return [...page.faults.splice(0), ...(wide ? [`${what}: ${wide}`] : []), ...(axe ? await accessible(page, what) : [])];
}
const allowed = { allow: (status, url) => status === 404 && url.endsWith("/BIG_TRANSFER") };

// Theme and size change under the page, as they do when the evening comes or a phone is turned.
tests.every_page_in_every_shape = async (browser) => {
  const page = await signedIn(browser, "ada", { at: "/lists", ...allowed });
  const told = [];
  for (const [what, path] of Object.entries(await places())) {
    await page.goto(path);
    for (const [size, theme] of [["wide", "light"], ["wide", "dark"], ["narrow", "dark"], ["narrow", "light"]]) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await page.setViewportSize(sizes[size]);
      told.push(...(await wrong(page, `${what}-${size}-${theme}`, size === "wide" || theme === "light")));
    }
  }
  return told;
};

for (const language of ["fr", "th", "id"])
  tests[`pages_in_${language}`] = async (browser) => {
    const page = await signedIn(browser, "ada", { at: "/lists", size: "narrow", ...allowed });
    const told = [];
    await page.evaluate((language) => localStorage.setItem("assay.language", language), language);
    for (const [what, path] of Object.entries(await places())) {
      await page.goto(path);
      await page.waitForFunction((to) => document.documentElement.lang === to, language);
      told.push(...(await wrong(page, `${what}-narrow-${language}`, false)));
    }
    return told;
  };

await main(tests);
