// Every screen in both languages, both themes and two widths: a picture, no error, no overflow, no violation.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AXE, check } from "./stand.mjs";

const AXE_SOURCE = readFileSync(AXE, "utf8");

const LANGUAGES = ["ja", "en"];
const THEMES = ["light", "dark"];
const WIDTHS = [1280, 390];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
/** Bytes of a page before its images. */
const BUDGET = 100 * 1024;

/** Looks at `screens`, a list of [name, address, status], and puts the pictures into `shots`. */
export async function look(browser, base, screens, shots) {
  const assets = await assetBytes(browser, base);
  const combinations = LANGUAGES.flatMap((lang) => THEMES.flatMap((theme) => WIDTHS.map((width) => ({ lang, theme, width }))));
  // Two at a time: that is how many cores there are to count on.
  const halves = [combinations.filter((_, i) => i % 2 === 0), combinations.filter((_, i) => i % 2 === 1)];
  await Promise.all(halves.map(async (half) => {
    for (const combination of half) await lookAs(browser, base, screens, { shots, assets, ...combination });
  }));
}

/** Bytes of the style and script that every page loads. */
async function assetBytes(browser, base) {
  const page = await browser.newPage();
  await page.goto(base);
  const addresses = await page.$$eval("link[rel=stylesheet], script[src]", (all) => all.map((el) => el.href || el.src));
  const bodies = await Promise.all(addresses.map(async (address) => (await page.request.get(address)).body()));
  await page.close();
  return bodies.reduce((sum, body) => sum + body.length, 0);
}

async function lookAs(browser, base, screens, { shots, assets, lang, theme, width }) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, locale: lang === "ja" ? "ja-JP" : "en-GB" });
  const { hostname } = new URL(base);
  await context.addCookies([{ name: "lang", value: lang }, { name: "theme", value: theme }]
    .map((cookie) => ({ ...cookie, domain: hostname, path: "/" })));
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // The browser itself reports an error page's status so.
    if (message.type() === "error" && !/the server responded with a status of [45]/.test(message.text())) errors.push(message.text());
  });
  for (const [name, path, status = 200] of screens) {
    const where = `${name} ${lang} ${theme} ${width}`;
    errors.length = 0;
    const answer = await page.goto(base + path, { waitUntil: "load" });
    check(`${where}: answers ${status}`, answer.status() === status, `status ${answer.status()}`);
    check(`${where}: no console error`, errors.length === 0, errors.join("; "));
    const bytes = assets + (await answer.body()).length;
    check(`${where}: at most 100 KB`, bytes <= BUDGET, `${bytes} bytes`);
    const shape = await page.evaluate(() => ({
      lang: document.documentElement.lang,
      wide: document.documentElement.scrollWidth,
      cut: [...document.querySelectorAll("main *")]
        .filter((el) => el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).overflowX === "visible" && el.clientWidth > 0
          && getComputedStyle(el).display !== "inline")
        .slice(0, 3).map((el) => `${el.tagName}.${el.className}`),
    }));
    check(`${where}: lang says the language`, shape.lang === lang, shape.lang);
    check(`${where}: no horizontal overflow`, shape.wide <= width && shape.cut.length === 0, `${shape.wide} ${shape.cut}`);
    await page.screenshot({ path: join(shots, `${name}-${lang}-${theme}-${width}.png`), fullPage: true });
    // Not as a script of the page, which its own policy would rightly refuse.
    await page.evaluate(AXE_SOURCE);
    const found = await page.evaluate((tags) => axe.run(document, { runOnly: tags, resultTypes: ["violations"] }), TAGS);
    check(`${where}: no accessibility violation`, found.violations.length === 0,
      found.violations.map((v) => `${v.id} ${v.nodes.slice(0, 3).map((n) => n.target.join(" ")).join(", ")}`).join("; "));
  }
  await context.close();
}
