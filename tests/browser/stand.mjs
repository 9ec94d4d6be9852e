// What the tests stand on: the binary on a free port with data of its own, a browser, and a count of what held.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

// The packages are installed in the folder that the tests are started from.
const require = createRequire(join(process.cwd(), "package.json"));
const { chromium } = require("playwright-core");
export const AXE = require.resolve("axe-core/axe.min.js");

export const BINARY = process.env.YAGURA;
if (!BINARY) throw new Error("YAGURA: no binary named: run `cargo xtask test browser`");

const held = { passed: 0, failed: [] };

/** Counts one thing that must hold; the run goes on after a failure. */
export function check(name, holds, detail = "") {
  if (holds) held.passed += 1;
  else {
    held.failed.push(name);
    console.error(`FAIL ${name}${detail ? `: ${detail}` : ""}`);
  }
}

/** Runs one journey; an exception is its failure. */
export async function journey(name, steps) {
  try {
    await steps();
    check(name, true);
  } catch (error) {
    check(name, false, String(error?.stack ?? error).split("\n").slice(0, 6).join("\n     "));
  }
}

/** The last line, and the exit code. */
export function verdict() {
  console.log(`${held.passed} passed, ${held.failed.length} failed`);
  return held.failed.length === 0 ? 0 : 1;
}

const folders = [];
const processes = [];

export function folder(name) {
  const path = mkdtempSync(join(tmpdir(), `yagura-browser-${name}-`));
  folders.push(path);
  return path;
}

// A machine's own configuration must not reach the tests.
const env = { PATH: process.env.PATH, HOME: process.env.HOME, LANG: "C.UTF-8" };

/** Runs the binary to its end; throws what it said on stderr when it fails. */
export function yagura(...args) {
  const done = spawnSync(BINARY, args, { env, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`yagura ${args.join(" ")}: exit ${done.status}: ${done.stderr}`);
  return done.stdout;
}

/** One statement on the state database, by Python's own SQLite; gives the first row. */
export function sql(data, statement) {
  const script = "import sqlite3,sys,json; c=sqlite3.connect(sys.argv[1]); print(json.dumps(c.execute(sys.argv[2]).fetchone())); c.commit()";
  const done = spawnSync("python3", ["-c", script, join(data, "yagura.db"), statement], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${statement}: ${done.stderr}`);
  return JSON.parse(done.stdout);
}

/** `yagura up` over a data directory; gives the console's address once it is served. */
export function up(data, ...args) {
  const child = spawn(BINARY, ["up", "--data", data, "--listen", "127.0.0.1:0", "--lang", "en", ...args], { env });
  processes.push(child);
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
      if (found) resolve(found[0]);
    });
    child.on("exit", (code) => reject(new Error(`yagura up ended with ${code}: ${said}`)));
  });
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

/** Stops what was started and removes what was made. */
export function clean() {
  for (const child of processes) {
    child.removeAllListeners("exit");
    child.kill("SIGTERM");
  }
  for (const path of folders) rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
