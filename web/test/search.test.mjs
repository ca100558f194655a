// A search in a browser: what a reader sees and does.

import assert from "node:assert/strict";
import { check, colours, section, texts } from "./check.mjs";

check("the knee comes first, then what was searched", "search", {}, async (page) => {
  assert.match(
    await page.locator("h1").innerText(),
    /^The knee is at 480 robots\s*480 robots held twice, and 640 robots failed twice\.$/,
  );
  assert.equal(await page.title(), "my_game: The knee is at 480 robots · throng");
  const facts = await page.locator("header .facts").innerText();
  assert.match(facts, /request\.Move\.p99 < 50ms/);
  assert.match(facts, /10s, after a warm-up of 3s/);
  assert.match(facts, /18446744073709551615/);
  assert.match(await page.locator(".tiles").innerText(), /The server bears\s+480 robots\s+640 robots failed/);
});

check("the curve is drawn for what was judged, the replies and the latencies", "search", {}, async (page) => {
  const charts = section(page, "curve").locator("figure.chart");
  assert.deepEqual(await texts(charts.locator(".chart-title")), [
    "request.Move.p99",
    "Replies per second",
    "Latency while the load was held",
  ]);
  for (const canvas of await charts.locator("canvas").all()) assert.ok((await colours(canvas)) > 5);
  const judged = charts.first();
  assert.match(
    await judged.locator(".plot").getAttribute("aria-label"),
    /request\.Move\.p99 from 4 ms to 406 ms/,
  );
  assert.deepEqual(await texts(page.locator(".marks > span")), ["held", "failed"]);
  assert.ok((await charts.nth(2).locator(".legend button").count()) >= 5, "a line for each message");
});

check("the axis reaches the marks of all tries, and not only their means", "search", {}, async (page) => {
  await page.evaluate(() => {
    window.marks = [];
    const { translate } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.translate = function (x, y) {
      // The plot itself moves by half a pixel.
      if (x > 1) window.marks.push(y);
      return translate.call(this, x, y);
    };
  });
  await page.getByRole("button", { name: "Dark" }).click();
  const marks = await page.evaluate(() => window.marks);
  assert.ok(marks.length >= 21, `${marks.length} marks`);
  assert.ok(Math.min(...marks) >= 12, "a mark lies above the plot");
});

check("a load in one chart is told in all, with its runs", "search", {}, async (page) => {
  const charts = section(page, "curve").locator("figure.chart");
  const over = charts.first().locator(".u-over");
  await over.scrollIntoViewIfNeeded();
  const { width } = await over.boundingBox();
  // The axis goes from 45 to 675.
  await over.hover({ position: { x: (width * (480 - 45)) / 630, y: 60 } });
  const tip = await charts.first().locator(".tip").innerText();
  assert.match(tip, /^480 robots/);
  assert.match(tip, /32 ms/, "the mean of both tries");
  assert.match(tip, /#5: held/);
  assert.match(tip, /#6: held · again/);
  assert.match(await charts.nth(1).locator(".legend").innerText(), /1\.01k/);
  await charts.first().locator(".plot").focus();
  await page.keyboard.press("ArrowRight");
  assert.match(await charts.first().locator(".tip").innerText(), /^\d+ robots/);
});

check("the tries stand in their order and open to their requests", "search", {}, async (page) => {
  const tries = section(page, "tries");
  const rows = tries.locator("tbody tr");
  assert.equal(await rows.count(), 7);
  assert.match(
    await rows.nth(3).innerText(),
    /^▸? ?4\s+640\s+failed\s+request\.Move\.p99 was 212 ms, wanted < 50ms\s+212 ms.*#4/s,
  );
  const wide = await tries
    .locator("table")
    .evaluate((table) => table.scrollWidth - table.parentElement.clientWidth);
  assert.ok(wide <= 0, `${wide} px of the table are beyond the page`);
  await tries.getByRole("button", { name: "4" }).click();
  assert.match(await tries.locator("tr.detail").innerText(), /game\/Move\s+12\u202f800/);
});

check(
  "Chinese and the dark theme are those of the browser",
  "search",
  { locale: "zh-CN", colorScheme: "dark" },
  async (page) => {
    assert.match(await page.locator("h1").innerText(), /^拐点在 480 个机器人/);
    assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
    assert.notEqual(
      await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
      "rgb(255, 255, 255)",
    );
    await page.getByRole("button", { name: "English" }).click();
    assert.match(await page.locator("h1").innerText(), /^The knee is at 480 robots/);
  },
);

check("a search without a knee says what the server bears at least", "search-limited", {}, async (page) => {
  assert.match(
    await page.locator("h1").innerText(),
    /^No knee was found\s*At 20 robots throng itself was the limit\. The server bears at least 10 robots\.$/,
  );
  assert.equal(await page.locator(".tiles").count(), 0);
});

check("a search without a try has a page", "search-empty", {}, async (page) => {
  assert.match(await page.locator("h1").innerText(), /The search was ended before it was done\.$/);
  assert.match(await section(page, "tries").innerText(), /No load was tried to the end/);
});

check(
  "what a server or a user wrote is text and nothing else in a search",
  "search-hostile",
  {},
  async (page) => {
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.equal(await page.locator("script").count(), 2);
    assert.match(await page.locator(".project").innerText(), /^<\/script><script>window\.pwned = 1/);
  },
);

check(
  "on paper a search has all its charts, white and as wide as the page",
  "search",
  { colorScheme: "dark" },
  async (page) => {
    await page.emulateMedia({ media: "print" });
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    const plots = page.locator(".plot canvas");
    assert.equal(await plots.count(), 3);
    for (const plot of await plots.all()) assert.ok((await plot.boundingBox()).width <= 720);
    assert.equal(
      await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
      "rgb(255, 255, 255)",
    );
  },
);
