// Makes report.png, report-dark.png and the same in Chinese: the head and the latencies of a report, without what lies between.
//
//     node docs/images/report.mjs demo.html docs/images

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "../../web/node_modules/playwright-core/index.mjs";

const [, , report, folder] = process.argv;
const profile = mkdtempSync(join(tmpdir(), "throng-picture-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
  viewport: { width: 1080, height: 900 },
  locale: "en-US",
});
const page = await context.newPage();
await page.goto(`file://${resolve(report)}`);
for (const language of ["en", "zh"]) {
  for (const theme of ["light", "dark"]) {
    await page.locator(`#speak-${language}`).click();
    await page.locator(`#theme-${theme}`).click();
    await page.evaluate(() => {
      for (const part of document.querySelectorAll(".contents, .hint, .notices, section:not(#latency)")) part.remove();
      document.activeElement.blur();
    });
    await page.mouse.move(1, 1);
    const { y, height } = await page.locator("#latency").boundingBox();
    const clip = { x: 0, y: 0, width: 1080, height: Math.round(y + height) };
    const name = `report${theme === "dark" ? "-dark" : ""}${language === "zh" ? ".zh-CN" : ""}.png`;
    await page.screenshot({ path: join(folder, name), fullPage: true, clip });
  }
}
await context.close();
rmSync(profile, { recursive: true, force: true });
