// The console in a real browser: `cargo xtask test browser`. Pictures go to YAGURA_SHOTS where it is set.
import { mkdirSync } from "node:fs";
import * as journeys from "./journeys.mjs";
import { look } from "./screens.mjs";
import { clean, folder, launch, sql, up, verdict, yagura } from "./stand.mjs";

const shots = process.env.YAGURA_SHOTS ?? folder("shots");
mkdirSync(shots, { recursive: true });

async function run() {
  const data = folder("demo");
  const empty = folder("empty");
  const [browser, base, bare] = await Promise.all([launch(), up(data, "--demo", "--demo-scale", "0.02"), up(empty)]);
  try {
    const findings = yagura("findings", "--data", data, "--limit", "5000", "--format", "ndjson").trim().split("\n").map((line) => JSON.parse(line));
    const control = findings.find((f) => f.rule === "S3.8");
    const alert = findings.find((f) => f.class === "detection");
    const many = findings.find((f) => f.class === "compliance" && findings.filter((g) => g.rule === f.rule).length > 3);
    const [changed] = sql(data, CHANGED);
    await look(browser, base, [
      ["home", "/"],
      ["roadmap", "/roadmap"],
      ["findings", "/findings"],
      ["findings-of-rule", `/findings?rule=${many.rule}`],
      ["finding", `/findings/${control.id}`],
      ["alert", `/findings/${alert.id}`],
      ["rule", `/rules/${control.rule}`],
      ["detection", `/rules/${alert.rule}`],
      ["resources", "/resources"],
      ["resource", `/resource?name=${encodeURIComponent(changed)}`],
      ["nothing-matches", "/findings?q=no+such+thing"],
      ["not-found", "/nowhere", 404],
    ], shots);
    await look(browser, bare, [["empty-home", "/"], ["empty-findings", "/findings"], ["empty-resources", "/resources"]], shots);
    // A table taken away from under the running console.
    sql(empty, "ALTER TABLE runs RENAME TO gone");
    await look(browser, bare, [["broken", "/", 500]], shots);
    await journeys.firstLook(browser, base);
    await journeys.filter(browser, base);
    await journeys.keyboard(browser, base);
    await journeys.suppress(browser, base, control.id);
    await journeys.close(browser, base, alert.id);
    await journeys.copy(browser, base, control.id);
    await journeys.live(browser, base, data, control.id);
    await journeys.guard(base, control.id);
    await journeys.hostile(browser);
  } finally {
    await browser.close();
  }
}

/** A resource that looked different before. */
const CHANGED = "SELECT name FROM resources JOIN resource_history USING (key) GROUP BY key HAVING COUNT(*) > 1 LIMIT 1";

let code = 1;
try {
  await run();
  code = verdict();
} catch (error) {
  console.error(error);
} finally {
  clean();
}
process.exit(code);
