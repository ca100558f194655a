// A browser for the tests, and the pages that `cargo test -p throng-report` leaves for them.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const pages = resolve(import.meta.dirname, "../../target/tmp/pages");
/** Milliseconds that anything may take on a busy machine. */
const patience = 120_000;

/** Tries until what is asserted holds: a page draws when its browser has time for that. */
export async function soon(asserts) {
  const end = Date.now() + patience;
  for (;;) {
    try {
      return await asserts();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((again) => setTimeout(again, 50));
  }
}

/** Opens a page; `told` collects what no page may do: errors, and requests to anywhere. */
export async function open(name, options = {}) {
  const file = join(pages, `${name}.html`);
  if (!existsSync(file)) throw new Error(`${file} is missing: run cargo test -p throng-report`);
  const profile = mkdtempSync(join(tmpdir(), "throng-web-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
    viewport: { width: 1280, height: 900 },
    locale: "en-GB",
    timeout: patience,
    ...options,
  });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const told = [];
  // A page that its own policy hinders says so as an error.
  page.on("console", (message) => {
    if (message.type() === "error") told.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => told.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== `file://${file}`) told.push(`request: ${request.url()}`);
  });
  await page.goto(`file://${file}`);
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { page, told, close };
}
