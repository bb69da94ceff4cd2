// The tests of the console: pages by role, rules, themes and languages, and pictures of every page.
import { accessible, open, overflow, picture, settled, sizes } from "./browser.mjs";
import { places } from "./look.mjs";
import { base, main, must, password, signedIn, unsigned } from "./runner.mjs";

const tests = {
  async sign_in_and_out(browser) {
    const page = await open(browser, base, { allow: (status, url) => unsigned(status, url) || (status === 401 && url.endsWith("/v1/sessions")) });
    await page.goto("/");
    await page.waitForSelector("form");
    const told = await accessible(page, "sign-in");
    await picture(page, "sign-in-wide-light");
    await page.getByLabel("Name", { exact: true }).fill("vic");
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.locator("form button").click();
    await page.getByText("Name or password is wrong.").waitFor();
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.locator("form button").click();
    await page.waitForSelector("nav");
    must((await page.context().cookies()).every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), "the session's cookie is not HttpOnly and SameSite=Strict");
    await page.reload();
    await page.waitForSelector("nav");
    await page.getByRole("button", { name: /^vic/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForSelector("form");
    return [...told, ...page.faults];
  },

  async sign_in_by_key(browser) {
    const page = await open(browser, base, { allow: unsigned });
    await page.goto("/");
    await page.getByText("Sign in with an API key instead").click();
    await page.getByLabel("API key").fill(process.env.CONSOLE_KEY);
    await page.locator("form button").click();
    await page.waitForSelector("nav");
    const licences = await (await fetch(`${base}/licences.txt`)).text();
    must(/^react-dom .*MIT/m.test(licences) && /^react-aria-components .*Apache-2.0/m.test(licences), "the licences do not go along");
    return page.faults;
  },

  async one_time_token(browser) {
    const made = await fetch(base + "/v1/session:link", { method: "POST", body: "{}", headers: { "Content-Type": "application/json", Authorization: `Bearer ${process.env.CONSOLE_KEY}` } });
    const { token } = await made.json();
    const page = await open(browser, base);
    await page.goto(`/#token=${token}`);
    await page.waitForSelector("nav");
    must(!page.url().includes(token), "the token is still in the address");
    await page.reload();
    await page.waitForSelector("nav");
    return page.faults;
  },

  async search_to_decision(browser) {
    const page = await signedIn(browser, "ann");
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByRole("button", { name: "Top risk" }).click();
    await page.waitForURL(/sort=-score/);
    await settled(page);
    const first = page.locator("tbody tr").first();
    const id = await first.locator("a").first().innerText();
    await page.keyboard.press("j");
    must((await first.getAttribute("aria-selected")) === "true", "j does not walk the rows");
    await page.keyboard.press("o");
    await page.waitForURL(new RegExp(`/decisions/${id}$`));
    await page.getByText("Importance is not causality.").waitFor();
    await page.getByRole("button", { name: "Decide again" }).click();
    await page.getByText("Equal to the bit").waitFor();
    await page.getByRole("button", { name: "Mark as fraud" }).click();
    await page.getByText("The label is recorded.").waitFor();
    await page.locator(".tile .badge", { hasText: "Fraud" }).waitFor();
    return page.faults;
  },

  async refused_where_the_role_does_not_allow(browser) {
    const page = await signedIn(browser, "vic");
    must((await page.locator("nav").getByText("Train", { exact: true }).count()) === 0, "a viewer sees Train");
    await page.goto("/train");
    await page.getByText("You may not see this").waitFor();
    await page.goto("/admin?tab=keys");
    await page.getByText("You may not see this").waitFor();
    await page.goto("/no/such/page");
    await page.getByText("There is no page at this address.").waitFor();
    return [...(await accessible(page, "no page")), ...page.faults];
  },

  async keys_help(browser) {
    const page = await signedIn(browser, "vic");
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Keyboard shortcuts").waitFor();
    const told = await accessible(page, "shortcuts");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    return [...told, ...page.faults];
  },

  // Tab through the pages: whoever uses no mouse sees where they are, and comes out again everywhere.
  async focus_is_seen_in_both_themes(browser) {
    const page = await signedIn(browser, "ada");
    const told = [];
    for (const path of ["/alerts", "/rules/+", "/search", "/admin?tab=users"])
      for (const theme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
        await page.goto(path);
        await settled(page);
        await page.evaluate(() => document.activeElement?.blur());
        const seen = new Set();
        for (let i = 0; i < 60; i++) {
          await page.keyboard.press("Tab");
          const look = () => page.evaluate(() => {
            const one = document.activeElement;
            if (one === null || one === document.body) return null;
            const inside = one.shadowRoot?.activeElement?.closest(".cm-editor") ?? one.shadowRoot?.activeElement ?? one;
            window.places ??= new Map();
            if (!window.places.has(one)) window.places.set(one, window.places.size);
            const of = (element) => { const style = getComputedStyle(element); return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && !/, 0\)$|transparent/.test(style.outlineColor); };
            return { place: window.places.get(one), seen: of(inside) || of(one), name: `${one.tagName.toLowerCase()}.${one.className} ${one.innerText?.slice(0, 20) ?? ""}` };
          });
          let at = await look();
          // The editor draws itself anew a moment later.
          for (let again = 0; again < 10 && at !== null && !at.seen; again++) {
            await page.waitForTimeout(20);
            at = await look();
          }
          if (at === null || (at.place === 0 && seen.size > 1)) break;
          if (!at.seen && !seen.has(at.place)) told.push(`${path} ${theme}: the focus on ${at.name} is not seen`);
          seen.add(at.place);
        }
        must(seen.size >= 15, `${path}: only ${seen.size} places are reached by Tab`);
      }
    return [...told, ...page.faults];
  },

  async nothing_moves_for_who_does_not_want_it(browser) {
    const page = await signedIn(browser, "vic");
    // Each answer is held back a little, so that the page says that it loads.
    await page.route("**/v1/decisions*", async (route) => { await new Promise((done) => setTimeout(done, 800)); await route.continue(); });
    const moving = async (reducedMotion) => {
      await page.emulateMedia({ reducedMotion });
      await page.goto("/search");
      await page.waitForSelector(".state.loading");
      return page.evaluate(() => document.getAnimations().length);
    };
    must((await moving("no-preference")) > 0, "nothing moves at all: this would prove nothing");
    must((await moving("reduce")) === 0, "what loads moves, though less motion is wanted");
    await settled(page);
    return page.faults;
  },

  async live_moves(browser) {
    const page = await signedIn(browser, "vic");
    await page.goto("/live");
    await page.locator(".page-head .badge", { hasText: "Live" }).waitFor({ timeout: 4000 });
    return page.faults;
  },
};

// Those of analysts; the others are in detect.mjs.
const theirs = new Set(["live", "daily", "alerts", "alert", "cases", "case", "search", "decision", "entity"]);
// Every page, light and dark, wide and narrow: axe, nothing wider than the window, no fault; and its picture. Theme and size
// change under the page, as they do when the evening comes or a phone is turned.
tests.every_page_in_every_shape = async (browser) => {
  const page = await signedIn(browser, "ada");
  const told = [];
  for (const [name, path] of (await places()).filter(([name]) => theirs.has(name))) {
    await page.goto(path);
    for (const [size, theme] of [["wide", "light"], ["wide", "dark"], ["narrow", "dark"], ["narrow", "light"]]) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await page.setViewportSize(sizes[size]);
      await settled(page);
      await picture(page, `${name}-${size}-${theme}`);
      const wide = await overflow(page);
      if (wide) told.push(`${name} ${size} ${theme}: ${wide}`);
      if (size === "wide" || theme === "light") told.push(...(await accessible(page, `${name} ${size} ${theme}`)));
    }
    told.push(...page.faults.splice(0));
  }
  return told;
};

// What analysts work with, on a phone, in the other languages.
for (const language of ["fr", "th", "id"])
  tests[`analysts_pages_in_${language}`] = async (browser) => {
    const page = await signedIn(browser, "ada", { at: "/lists", size: "narrow" });
    const told = [];
    await page.evaluate((language) => localStorage.setItem("assay.language", language), language);
    for (const [name, path] of (await places()).filter(([name]) => ["live", "alerts", "alert", "cases", "case", "decision", "entity"].includes(name))) {
      await page.goto(path);
      await page.waitForFunction((to) => document.documentElement.lang === to, language);
      await settled(page);
      await picture(page, `${name}-narrow-${language}`);
      const wide = await overflow(page);
      if (wide) told.push(`${name} ${language}: ${wide}`);
      told.push(...page.faults.splice(0));
    }
    return told;
  };

await main(tests);
