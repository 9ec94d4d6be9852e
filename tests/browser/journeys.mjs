// What people do with the console, from the first look to the last key.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { folder, journey, up, yagura } from "./stand.mjs";

const text = (page, selector = "main") => page.locator(selector).first().innerText();

async function english(browser, base, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  await page.goto(base);
  return page;
}

export async function firstLook(browser, base) {
  await journey("first look without JavaScript", async () => {
    const page = await english(browser, base, { javaScriptEnabled: false });
    assert.equal(await page.locator(".today > li").count(), 3);
    assert.equal(await page.locator(".today .why").count(), 3, "each says why it comes before the next");
    assert.match(await text(page), /÷ \(\d+ \+ \d+ \+ \d+\)\s+= \d+ %/, "the score as a sum");
    assert.match(await text(page), /What is not visible/);
    assert.match(await text(page, ".age"), /Configuration judged .+Logs taken in/s, "the age of the data");
    await page.locator(".today h2 a").first().click();
    if (new URL(page.url()).pathname === "/findings") await page.locator("[data-row] a").first().click();
    for (const part of ["What", "Why it matters", "Who", "What to do", "Evidence"]) {
      assert.ok(await page.getByRole("heading", { name: part, exact: true }).isVisible(), part);
    }
    await page.locator("details.suppress summary").click();
    assert.ok(await page.locator("details.suppress input[name=reason]").isVisible());
    await page.getByRole("link", { name: "日本語" }).click();
    assert.equal(await page.locator("html").getAttribute("lang"), "ja");
    await page.goto(base);
    assert.match(await text(page, "h1"), /今日やること/, "the language is remembered");
    await page.context().close();
  });
}

export async function filter(browser, base) {
  await journey("filter", async () => {
    const page = await english(browser, `${base}/findings`);
    const before = await page.locator("[data-row]").count();
    await page.locator("select[name=severity]").selectOption("high");
    await page.getByRole("button", { name: "Filter" }).click();
    const severities = await page.locator("[data-row] .sev").allInnerTexts();
    assert.ok(severities.length > 0 && severities.length < before);
    assert.ok(severities.every((s) => /High|Critical/.test(s)), String(severities));
    await page.locator("input[name=q]").fill("s3");
    await page.locator("input[name=q]").press("Enter");
    assert.match(page.url(), /severity=high/);
    const rows = await page.locator("[data-row]").allInnerTexts();
    assert.ok(rows.length > 0);
    for (const [i, row] of rows.entries()) {
      if (/s3|bucket|minato/i.test(row)) continue;
      // A line for several findings doesn't name what they are about: its page does, and asks for the same words.
      const link = await page.locator("[data-row]").nth(i).getByRole("link").first().getAttribute("href");
      assert.match(link, /q=s3/);
      const group = await english(browser, base + link);
      const members = await group.locator("[data-row]").allInnerTexts();
      assert.ok(members.length > 1 && members.every((member) => /s3|bucket|minato/i.test(member)), String(members));
      await group.context().close();
    }
    await page.locator("input[name=q]").fill("no such thing anywhere");
    await page.locator("input[name=q]").press("Enter");
    assert.match(await text(page), /Nothing matches/);
    await page.locator(".empty").getByRole("link").click();
    assert.equal(await page.locator("[data-row]").count(), before);
    await page.context().close();
  });
}

export async function keyboard(browser, base) {
  await journey("triage by keyboard", async () => {
    const page = await english(browser, `${base}/findings?class=compliance&severity=high`);
    const here = () => page.evaluate(() => [...document.querySelectorAll("[data-row]")].indexOf(document.activeElement.closest("[data-row]")));
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.name), "q");
    await page.keyboard.type("j");
    assert.equal(await page.locator("input[name=q]").inputValue(), "j", "letters are letters in a field");
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    assert.equal(await here(), 0);
    await page.keyboard.press("j");
    assert.equal(await here(), 1);
    await page.keyboard.press("k");
    assert.equal(await here(), 0);
    await page.keyboard.press("Enter");
    await page.waitForURL(/rule=|findings\/F-/);
    if (page.url().includes("rule=")) {
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.waitForURL(/findings\/F-/);
    }
    await page.keyboard.press("s");
    assert.equal(await page.evaluate(() => document.activeElement.name), "reason");
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.waitForURL(`${base}/`);
    await page.context().close();
  });
}

export async function suppress(browser, base, id) {
  await journey("suppress and take back", async () => {
    const page = await english(browser, `${base}/findings/${id}`);
    await page.locator("details.suppress summary").click();
    await page.getByRole("button", { name: "Suppress" }).click();
    assert.equal(await page.locator("input[name=reason]:invalid").count(), 1, "the reason is mandatory");
    await page.locator("details.suppress input[name=reason]").fill("public on purpose <b>until the campaign ends</b>");
    await page.getByRole("button", { name: "Suppress" }).click();
    await page.waitForSelector(".quote");
    assert.match(await text(page, ".meta"), /Suppressed/);
    assert.match(await text(page, ".quote"), /<b>until the campaign ends<\/b>/, "as text");
    assert.match(await text(page, ".history"), /Found.+Suppressed.+until 20/s);
    await page.goto(`${base}/findings?q=${id}`);
    assert.match(await text(page), /Nothing matches/, "no longer open");
    await page.goto(`${base}/findings?q=${id}&status=suppressed`);
    await page.locator("[data-row] a").first().click();
    await page.getByRole("button", { name: "Open it again" }).click();
    await page.waitForSelector("details.suppress");
    assert.match(await text(page, ".meta"), /New/);
    await page.context().close();
  });
}

export async function close(browser, base, id) {
  await journey("close an alert and open it again", async () => {
    const page = await english(browser, `${base}/findings/${id}`);
    await page.locator("summary", { hasText: "Mark as dealt with" }).click();
    await page.locator("details[open] input[name=reason]").fill("key deactivated, bucket closed");
    await page.getByRole("button", { name: "Mark as dealt with" }).click();
    await page.waitForSelector("text=key deactivated");
    assert.match(await text(page, ".meta"), /Resolved/);
    await page.getByRole("button", { name: "Open it again" }).click();
    await page.waitForSelector("details.suppress");
    assert.match(await text(page, ".meta"), /New/);
    await page.context().close();
  });
}

export async function copy(browser, base, id) {
  await journey("the command is copied", async () => {
    const page = await english(browser, `${base}/findings/${id}`, { permissions: ["clipboard-read", "clipboard-write"] });
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `yagura fix ${id}`);
    await page.context().close();
  });
}

export async function live(browser, base, data, id) {
  await journey("a page renews itself, but not under somebody's hands", async () => {
    const page = await english(browser, `${base}/findings/${id}`);
    const typing = await english(browser, `${base}/findings/${id}`);
    await typing.locator("details.suppress summary").click();
    await typing.locator("details.suppress input[name=reason]").fill("half a sen");
    await page.waitForResponse(/version/);
    yagura("findings", "--suppress", id, "--reason", "told by command", "--until", "2099-01-01", "--data", data);
    await page.waitForSelector("text=told by command", { timeout: 15000 });
    assert.equal(await typing.locator("details.suppress input[name=reason]").inputValue(), "half a sen");
    yagura("findings", "--unsuppress", id, "--data", data);
    await page.context().close();
    await typing.context().close();
  });
}

const EVIL = "<img src=x onerror=\"window.hacked=1\">\u202egnp.exe\u2066'\"&";

/** A bucket whose every text is an attack, as AWS Config would deliver it. */
export async function hostile(browser) {
  await journey("hostile names stay text", async () => {
    const data = folder("hostile");
    const name = `${EVIL}${"x".repeat(900)}`;
    const item = {
      ARN: `arn:aws:s3:::${name}`, awsAccountId: "111122223333", awsRegion: "us-east-1", configurationItemStatus: "OK",
      configurationItemVersion: "1.3", configurationItemCaptureTime: "2026-01-01T00:00:00.000Z", configurationStateId: 1,
      resourceId: name, resourceName: name, resourceType: "AWS::S3::Bucket", tags: { Owner: EVIL, [EVIL]: EVIL },
      configuration: { name, owner: { id: EVIL } }, relationships: [], relatedEvents: [],
      supplementaryConfiguration: { PublicAccessBlockConfiguration: null, BucketLoggingConfiguration: { destinationBucketName: EVIL, logFilePrefix: EVIL } },
    };
    const file = join(folder("snapshot"), "111122223333_Config_us-east-1_ConfigSnapshot.json");
    writeFileSync(file, JSON.stringify({ fileVersion: "1.0", configSnapshotId: "a", configurationItems: [item] }));
    yagura("check", file, "--data", data, "--format", "ndjson");
    const base = await up(data);
    const page = await english(browser, base, { viewport: { width: 390, height: 800 } });
    const calm = async (where) => {
      assert.equal(await page.evaluate(() => window.hacked), undefined, where);
      assert.equal(await page.locator("img[src=x]").count(), 0, where);
      assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(await text(page)), `${where}: turned reading direction`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 390), `${where}: too wide`);
    };
    await page.goto(`${base}/resources`);
    await calm("resources");
    assert.match(await text(page), /<img src=x onerror=/, "shown as it is");
    await page.locator("[data-row] a").first().click();
    await page.waitForURL(/resource\?name=/);
    await calm("resource");
    await page.locator("[data-row] a").first().click();
    await page.waitForURL(/findings\/F-/);
    await calm("finding");
    assert.match(await text(page, ".owner"), /<img src=x/);
    for (const path of ["/", "/findings?rule=S3.8", `/findings?q=${encodeURIComponent(EVIL)}`, `/findings?rule=${encodeURIComponent(EVIL)}`,
      `/findings?severity=${encodeURIComponent(EVIL)}&status=${encodeURIComponent(EVIL)}&class=${encodeURIComponent(EVIL)}&page=x`,
      `/resources?kind=${encodeURIComponent(EVIL)}&q=${encodeURIComponent("' OR 1=1 --")}&page=-9223372036854775808`,
      "/findings?rule=S3.8&page=9223372036854775807", `/resource?name=${encodeURIComponent(EVIL)}`, "/resource", "/rules/..%2f..%2fetc%2fpasswd",
      "//evil.example/", "/findings?q=%00%ff", "/findings?lang=%0d%0aSet-Cookie:x&theme=<script>"]) {
      const answer = await page.goto(base + path);
      assert.ok(answer.status() < 500, `${path}: ${answer.status()}`);
      await calm(path);
      const foreign = await page.$$eval("a[href]", (links) => links.map((a) => a.href).filter((h) => new URL(h).host !== location.host));
      assert.deepEqual(foreign, [], `${path} leads elsewhere`);
    }
    await page.context().close();
  });
}

/** One request as no browser would send it; gives status, headers and body. */
function raw(base, { method = "GET", path = "/", headers = {}, body = "" }) {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, method, path, headers }, (answer) => {
      let said = "";
      answer.on("data", (part) => { said += part; });
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, said }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

export async function guard(base, id) {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const change = (headers, body = "what=suppress&reason=x&until=2099-01-01") =>
    raw(base, { method: "POST", path: `/findings/${id}`, headers: { ...form, ...headers }, body });
  await journey("foreign names and foreign pages are refused", async () => {
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::2]"]) {
      assert.equal((await raw(base, { headers: { host } })).status, 421, host);
    }
    assert.equal((await raw(base, { headers: { host: "localhost:1" } })).status, 200);
    assert.equal((await change({})).status, 403, "no origin at all");
    assert.equal((await change({ origin: "https://evil.example" })).status, 403);
    assert.equal((await change({ origin: "null" })).status, 403);
    assert.equal((await change({ "sec-fetch-site": "cross-site", origin: base })).status, 403);
    assert.equal((await change({ "sec-fetch-site": "same-site" })).status, 403, "another port of this machine");
    assert.match((await raw(base, { path: `/findings/${id}` })).said, /details class="act suppress"/, "nothing was changed");
  });
  await journey("a form is checked at the server as well", async () => {
    const own = { origin: base };
    for (const body of ["what=suppress&until=2099-01-01", "what=suppress&reason=x", "what=suppress&reason=x&until=2001-01-01",
      "what=suppress&reason=x&until=2099-99-99", "what=delete", "", `what=suppress&until=2099-01-01&reason=${"x".repeat(501)}`, "what=close&reason=x"]) {
      assert.equal((await change(own, body)).status, 400, body.slice(0, 60));
    }
    assert.equal((await raw(base, { method: "POST", path: "/findings/F-none", headers: { ...form, ...own }, body: "what=unsuppress" })).status, 404);
  });
  await journey("strict headers on every answer", async () => {
    for (const options of [{}, { path: "/nowhere" }, { path: "/assets/console.js" }, { headers: { host: "evil.example" } }]) {
      const { headers } = await raw(base, options);
      assert.match(headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/s);
      assert.ok(!/unsafe/.test(headers["content-security-policy"]));
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["x-frame-options"], "DENY");
      assert.equal(headers["cross-origin-resource-policy"], "same-origin");
    }
    const cookie = (await raw(base, { path: "/?lang=ja" })).headers["set-cookie"];
    assert.match(String(cookie), /^lang=ja; .*SameSite=Lax; HttpOnly$/);
  });
}
