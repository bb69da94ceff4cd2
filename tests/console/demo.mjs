// What somebody sees who has just typed `make demo`: a page that moves, and how far it is to a first finding.
import { accessible, open, picture } from "./browser.mjs";
import { main, must } from "./runner.mjs";

const link = process.env.DEMO_URL;
const GATHER_MS = 25000;

await main({
  async a_newcomer(browser) {
    const page = await open(browser, new URL(link).origin);
    let clicks = 0;
    const click = async (what) => {
      clicks++;
      await what.click();
    };
    const rate = page.locator(".tile", { hasText: "Decisions now" }).locator("dd");
    await page.goto(link);
    const begun = Date.now();
    await page.locator(".page-head .badge", { hasText: "Live" }).waitFor({ timeout: 2000 });
    const first = await rate.innerText();
    const newest = page.locator("main table tbody tr").first();
    const row = await newest.innerText().catch(() => "");
    await page.waitForFunction(([first, row]) => {
      const now = document.querySelector(".tile dd")?.innerText;
      return (now !== first || document.querySelector("main table tbody tr")?.innerText !== row) && !/^0/.test(now);
    }, [first, row], { timeout: 2000, polling: "raf" });
    const took = Date.now() - begun;
    must(took <= 2000, `it moved after ${took} ms`);
    must(!page.url().includes("token"), "the token is still in the address");

    // An alert, its reasons, what it was: three clicks.
    const urgent = page.locator(".card", { hasText: "Most urgent alerts" });
    await urgent.locator("li a").first().waitFor();
    const told = await accessible(page, "live");
    await picture(page, "demo-live-wide-light");
    // Beside it another page, which gathers seconds while we work.
    const minute = await page.context().newPage();
    await minute.goto("/live");
    await minute.getByRole("button", { name: "last minute" }).click();
    const gathered = Date.now();
    await page.bringToFront();
    await click(urgent.locator("li a").first());
    await page.locator(".waterfall").waitFor();
    must((await page.locator(".waterfall tbody tr").count()) > 3, "no reasons");
    await picture(page, "readme-alert", { window: true });
    await click(page.getByRole("button", { name: "Confirmed fraud", exact: true }));
    await click(page.getByRole("dialog").getByRole("button", { name: "Close it" }));
    await page.locator(".page-head .badge", { hasText: "Confirmed fraud" }).waitFor();
    must(clicks === 3, `${clicks} clicks`);
    await page.locator("table.cards tbody tr").first().locator(".badge.bad", { hasText: "Fraud" }).waitFor();
    await picture(page, "demo-alert-wide-light");
    await minute.bringToFront();
    await minute.waitForTimeout(Math.max(0, GATHER_MS - (Date.now() - gathered)));
    must(await minute.locator(".page-head .badge", { hasText: "Live" }).isVisible(), "it is live no more");
    const now = (await minute.locator(".tile", { hasText: "Decided, last minute" }).locator("dd").innerText()).replaceAll(",", "");
    must(Number(now) > 100, `a minute has ${now} decisions`);
    told.push(...(await accessible(minute, "last minute")));
    await picture(minute, "readme-live", { window: true });
    return [...told, ...page.faults];
  },

  async the_token_is_good_once(browser) {
    const page = await open(browser, new URL(link).origin, { allow: (status, url) => status === 401 && url.endsWith("/v1/sessions") });
    const [answer] = await Promise.all([page.waitForResponse((one) => one.url().endsWith("/v1/sessions")), page.goto(link)]);
    must(answer.status() === 401, `a token that was used is answered with ${answer.status()}`);
    return page.faults;
  },
});
