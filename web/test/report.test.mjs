// The report in a browser: what a reader sees and does.

import assert from "node:assert/strict";
import { soon } from "./browser.mjs";
import { check, colours, flat, section, texts } from "./check.mjs";

check("the verdict comes first, then why, then the thresholds", "game", {}, async (page) => {
  assert.match(await page.locator("h1").innerText(), /^Failed/);
  assert.match(await page.locator(".notices").innerText(), /certificates are not checked/);
  const rows = await texts(section(page, "thresholds").locator("tbody tr"));
  assert.match(rows[0], /does not hold\s+request\.game\/EchoRequest\.p99\s+< 1ms/);
  assert.match(rows[1], /holds\s+errors\.rate/);
  assert.equal(await page.title(), "my_game: Failed · throng");
  assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
  const seed = page.locator("header .facts div", { hasText: "Seed" });
  assert.match(await seed.innerText(), /18446744073709551615/);
});

check("each phase has its own figures", "game", {}, async (page) => {
  const rows = await texts(section(page, "plan").locator("tbody tr"));
  assert.match(rows[0], /^ramp up\s+0:00\s+10s/);
  assert.match(rows[1], /^hold\s+0:10\s+1m 20s/);
});

check("every chart is drawn, and says in words what it shows", "game", {}, async (page) => {
  const canvases = await page.locator(".plot canvas").all();
  assert.ok(canvases.length >= 9, `${canvases.length} charts`);
  for (const canvas of canvases) await soon(async () => assert.ok((await colours(canvas)) > 3));
  const heat = page.locator("figure", { hasText: "Where the latencies lie" }).locator("canvas");
  await soon(async () => assert.ok((await colours(heat)) > 20, "the heat map has no shades"));
  const robots = page.locator("figure", { hasText: "Robots: planned" }).locator(".plot");
  assert.match(await robots.getAttribute("aria-label"), /planned from 0 to 40/);
});

check(
  "Chinese is spoken where the browser does, and switches both ways",
  "game",
  { locale: "zh-CN" },
  async (page) => {
    assert.match(await page.locator("h1").innerText(), /^未通过\s*2 条阈值里有 1 条没达标。/);
    assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
    assert.deepEqual(await texts(section(page, "messages").locator("h2")), ["请求"]);
    await page.getByRole("button", { name: "English" }).click();
    assert.deepEqual(await texts(section(page, "messages").locator("h2")), ["Requests"]);
    // The browser keeps what was chosen in its own time.
    await soon(async () => {
      await page.reload();
      assert.match(await page.locator("h1").innerText(), /^Failed/, "the choice is kept");
    });
  },
);

check("the theme is the system's until one is chosen", "game", { colorScheme: "dark" }, async (page) => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  assert.equal(await page.getByRole("button", { name: "Dark" }).getAttribute("aria-pressed"), "true");
  await page.getByRole("button", { name: "Light" }).click();
  await soon(async () => assert.equal(await paper(), "rgb(255, 255, 255)"));
  assert.notEqual(dark, "rgb(255, 255, 255)");
});

check("tables sort by the head that is pressed, one way and the other", "game", {}, async (page) => {
  const messages = section(page, "messages");
  const names = () => texts(messages.locator("tbody th"));
  const head = messages.locator("thead th", { hasText: "p99" }).first();
  await head.getByRole("button").click();
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  const slowest = await names();
  await head.getByRole("button").press("Enter");
  assert.equal(await head.getAttribute("aria-sort"), "ascending");
  assert.deepEqual(await names(), slowest.toReversed());
  await messages.getByRole("button", { name: "Name", exact: true }).click();
  assert.deepEqual(await names(), (await names()).toSorted());
});

check("the filter leaves the rows that fit, and the switch those that failed", "hour", {}, async (page) => {
  const messages = section(page, "messages");
  const rows = messages.locator("tbody tr");
  assert.equal(await rows.count(), 200);
  await messages.getByRole("searchbox").fill("NUMBER01");
  assert.equal(await rows.count(), 10);
  assert.equal(await messages.locator(".count").innerText(), "10 of 200");
  await messages.getByRole("searchbox").fill("nothing like this");
  assert.deepEqual(await texts(rows), ["No row fits the filter."]);
  await messages.getByRole("searchbox").fill("");
  await messages.getByRole("checkbox").check();
  assert.deepEqual(await texts(rows.locator("th")), ["game/module00.SomeRequestNumber000"]);
});

check("a request opens to its own charts and closes again", "game", {}, async (page) => {
  const messages = section(page, "messages");
  const opener = messages.getByRole("button", { name: "EchoRequest" });
  await opener.press("Enter");
  assert.equal(await opener.getAttribute("aria-expanded"), "true");
  const detail = messages.locator("tr.detail");
  assert.match(await detail.innerText(), /= .* Answered \+ 200 Failed \+ 7 Cancelled \+ 0 In flight/);
  assert.match(await detail.innerText(), /200 timeout/);
  assert.equal(await detail.locator("canvas").count(), 3);
  await soon(async () =>
    assert.ok((await detail.locator("svg.bars rect.bar").count()) > 10, "no distribution"),
  );
  await opener.press("Enter");
  assert.equal(await detail.count(), 0);
});

check("a crosshair in one chart shows the figures of that time in all", "game", {}, async (page) => {
  const robots = page.locator("figure", { hasText: "Robots: planned" });
  const latency = page.locator("figure", { hasText: "Latency of all requests" });
  await robots.locator(".u-over").hover({ position: { x: 300, y: 60 } });
  await soon(async () => {
    assert.match(await robots.locator(".tip").innerText(), /^0:\d\d · hold/);
    assert.match(await latency.locator(".legend").innerText(), /median\s+[\d.]+ (ms|µs)/);
    assert.equal(await latency.locator(".tip").isVisible(), false);
  });
  await page.mouse.move(2, 2);
  await latency.locator(".plot").focus();
  await page.keyboard.press("ArrowRight");
  await soon(async () => assert.match(await latency.locator(".tip").innerText(), /^0:01 · ramp up/));
  await page.keyboard.press("ArrowRight");
  await soon(async () => assert.match(await latency.locator(".tip").innerText(), /^0:02/));
});

check("a name in a legend switches its line", "game", {}, async (page) => {
  const robots = page.locator("figure", { hasText: "Robots: planned" });
  const button = robots.getByRole("button", { name: "ready" });
  const canvas = robots.locator("canvas");
  await soon(async () => assert.ok((await colours(canvas)) > 3));
  const before = await canvas.evaluate((element) => element.toDataURL());
  await button.click();
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  await soon(async () => assert.notEqual(await canvas.evaluate((element) => element.toDataURL()), before));
  await button.click();
  assert.equal(await button.getAttribute("aria-pressed"), "true");
});

check("a zoom in one chart is in all, and is taken back", "game", {}, async (page) => {
  const reset = page.getByRole("button", { name: "Reset zoom" });
  const canvas = page.locator("figure", { hasText: "Latency of all requests" }).locator("canvas");
  await soon(async () => assert.ok((await colours(canvas)) > 3));
  const whole = await canvas.evaluate((element) => element.toDataURL());
  assert.equal(await reset.isVisible(), false);
  const over = page.locator("figure", { hasText: "Robots: planned" }).locator(".u-over");
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  await page.mouse.move(box.x + 200, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 400, box.y + 60, { steps: 4 });
  await page.mouse.up();
  await reset.waitFor({ state: "visible" });
  await soon(async () => assert.notEqual(await canvas.evaluate((element) => element.toDataURL()), whole));
  await reset.click();
  await page.mouse.move(2, 2);
  await reset.waitFor({ state: "hidden" });
});

check("a run without anything says so in words", "empty", {}, async (page) => {
  assert.match(await page.locator("h1").innerText(), /^Interrupted/);
  assert.match(await section(page, "latency").innerText(), /No request was answered/);
  assert.match(await section(page, "messages").innerText(), /No requests were made/);
  assert.match(await section(page, "errors").innerText(), /Nothing failed/);
  assert.match(await section(page, "thresholds").innerText(), /errors\.rate\s+< 1%\s+no samples/);
});

check("what a server or a user wrote is text and nothing else", "hostile", {}, async (page) => {
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.locator("script").count(), 2);
  assert.equal(await page.locator("img").count(), 0);
  assert.match(await page.locator(".project").innerText(), /^<\/script><script>window\.pwned = 1/);
  assert.match(await section(page, "errors").innerText(), /onerror='window\.pwned=2'/);
  assert.match(await section(page, "messages").innerText(), /\\u\{202e\}turned/);
  for (const opener of await section(page, "messages").locator(".opener").all()) await opener.click();
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `a name makes the page ${wide} pixels too wide`);
});

check("the page asks for no network and could not", "game", {}, async (page) => {
  const policy = await page.locator("meta[http-equiv]").getAttribute("content");
  assert.match(policy, /^default-src 'none'; script-src 'sha256-/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
});

check("paper is white, and has no switches", "game", { colorScheme: "dark" }, async (page) => {
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  assert.equal(await page.locator(".switches").isVisible(), false);
  assert.equal(await page.locator(".contents").isVisible(), false);
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
});

check(
  "a narrow screen has room for all of it",
  "game",
  { viewport: { width: 390, height: 800 } },
  async (page) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} pixels too wide`);
  },
);

check("the plan's tables say how it went", "plan", {}, async (page) => {
  const plan = section(page, "plan");
  assert.deepEqual(await texts(plan.locator("h3")), ["Phases", "Scenarios", "Arrivals", "Storms"]);
  const rows = async (at) => (await texts(plan.locator(".table").nth(at).locator("tbody tr"))).map(flat);
  assert.match((await rows(0))[1], /^hold 2:00 28s /);
  assert.match((await rows(1))[1], /^whale 100 95 90 5 0 0 95$/);
  assert.match((await rows(2))[0], /^casual 531 500 31 5\.84% [\d.]+ µs /);
  const storms = await rows(3);
  assert.match(storms[0], /^0:20 pulled cables 30% 500 150 160 149 1 0 [\d.]+ ms /);
  assert.match(storms[1], /^0:40 closed 100% 500 500 510 300 0 200 not reached /);
  assert.match(storms[2], /^1:30 pulled cables 50% 0 0 0 0 0 0 – – –$/);
  assert.match(await plan.innerText(), /A storm that hit nobody/);
  await plan.getByRole("button", { name: "whale" }).click();
  assert.match(flat(await plan.locator("tr.detail").innerText()), /role\.chat 95 0 /);
});

check("phases have the names that the plan gave them, whatever they are", "plan", {}, async (page) => {
  const names = await texts(section(page, "plan").locator(".table").first().locator("tbody th"));
  assert.deepEqual(names, ["ramp up", "hold", "constructor", "__proto__"]);
});

check("what scripts measured has its tables", "plan", {}, async (page) => {
  const checks = section(page, "checks");
  const found = Object.fromEntries(
    await checks.locator("h3").evaluateAll((heads) =>
      heads.map((head) => {
        const rows = [...(head.nextElementSibling?.querySelectorAll("tbody tr") ?? [])];
        return [head.textContent, rows.map((row) => row.innerText.replace(/\s+/g, " ").trim())];
      }),
    ),
  );
  assert.match(found["Order of numbered messages"][0], /^moves 1 ?000 2 1 1 1 0$/);
  assert.match(found["One-way delays, above the fastest"][0], /^game\/moved 1 ?000 [\d.]+ µs /);
  assert.match(found["Time between two"][0], /^moved 1 ?000 102 ms /);
  assert.match(found.Groups[0], /^fight 3 0 /);
  await checks.getByRole("button", { name: "fight" }).click();
  const inside = flat(await checks.locator("tr.detail").first().innerText());
  assert.match(inside, /battle\/Hit 3 0 1\.2 ms/);
  assert.match(inside, /the blow lands 3 0/);
  const schedules = flat(await section(page, "work").innerText());
  assert.match(schedules, /pacing 10 ?004 10 ?000 4/);
  assert.match(schedules, /p99 intended/);
});

check("the kinds of errors that have no colour of their own are together", "plan", {}, async (page) => {
  const legend = page.locator("figure", { hasText: "Errors per second" }).locator(".legend button");
  assert.equal(await legend.count(), 6);
  assert.match(await legend.last().innerText(), /2 others/);
});

/** How many pixels of a chart have a colour, from one second of the run to another. */
const painted = (figure, tone, span) =>
  figure.locator(".plot").evaluate(
    (plot, [tone, span]) => {
      const { at, took } = JSON.parse(document.getElementById("figures").textContent).timeline;
      const last = (at.at(-1) + took.at(-1)) / 1000;
      const [over, canvas] = [plot.querySelector(".u-over"), plot.querySelector("canvas")];
      const scale = canvas.width / canvas.clientWidth;
      const x = (second) => Math.round((over.offsetLeft + (second / last) * over.clientWidth) * scale);
      const [left, right] = (span ?? [0, last]).map(x);
      const { data } = canvas.getContext("2d").getImageData(left, 0, right - left, canvas.height);
      const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${tone}`).trim();
      const [r, g, b] = [1, 3, 5].map((place) => Number.parseInt(hex.slice(place, place + 2), 16));
      let pixels = 0;
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] === r && data[at + 1] === g && data[at + 2] === b) pixels += 1;
      }
      return pixels;
    },
    [tone, span],
  );

check("nothing is drawn where nothing was recorded", "plan", {}, async (page) => {
  const latency = page.locator("figure", { hasText: "Latency of all requests" });
  await soon(async () =>
    assert.ok((await painted(latency, "a", [124, 134])) > 5, "no line where there are figures"),
  );
  assert.equal(await painted(latency, "a", [142, 154]), 0, "a line where there are none");
});

check(
  "a crosshair tells the stretch that it is in, and nothing where there is none",
  "plan",
  {},
  async (page) => {
    const errors = page.locator("figure", { hasText: "Errors per second" });
    const over = errors.locator(".u-over");
    await over.scrollIntoViewIfNeeded();
    const { width } = await over.boundingBox();
    const at = async (second) => {
      await over.hover({ position: { x: (second / 188) * width, y: 40 } });
      return errors.locator(".tip");
    };
    await soon(async () => assert.match(await (await at(12)).innerText(), /^0:20 · ramp up/));
    await soon(async () => assert.match(await (await at(18)).innerText(), /^0:20 · ramp up/));
    await soon(async () => assert.equal(await (await at(148)).isVisible(), false));
  },
);

check("what came too seldom for a line is drawn as points", "plan", {}, async (page) => {
  const messages = section(page, "messages");
  await messages.getByRole("button", { name: "Seldom" }).click();
  const latency = messages.locator("tr.detail figure", { hasText: "Latency over time" });
  await soon(async () => assert.ok((await painted(latency, "b")) > 12, "not a point for each of twelve"));
});

check("what a reader chose stays when the language changes and on paper", "hour", {}, async (page) => {
  const messages = section(page, "messages");
  await messages.getByRole("searchbox").fill("number01");
  await messages.locator("thead th", { hasText: "Max" }).getByRole("button").click();
  const rows = messages.locator("> .table > .scroll > table > tbody > tr:not(.detail) > th");
  const names = await texts(rows);
  const second = names[1].replace(/^\W+/, "");
  await messages.getByRole("button", { name: second }).click();
  const robots = page.locator("figure", { hasText: "Robots: planned" });
  await robots.getByRole("button", { name: "alive" }).click();
  await page.locator("#speak-zh").press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "speak-zh", "the focus is lost");
  assert.equal(await messages.getByRole("searchbox").inputValue(), "number01");
  assert.deepEqual(await texts(rows), names);
  assert.equal(await messages.locator("tr.detail").count(), 1);
  assert.match(await messages.locator(".opener[aria-expanded=true]").innerText(), new RegExp(second));
  const alive = page.locator("figure", { hasText: "机器人数" }).getByRole("button", { name: "存活" });
  assert.equal(await alive.getAttribute("aria-pressed"), "false");
  await page.locator("#speak-en").click();
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.deepEqual(await texts(rows), names);
  assert.equal(await messages.locator("tr.detail canvas").count(), 3);
  assert.equal(await messages.getByRole("searchbox").isVisible(), false);
  assert.match(
    flat(await messages.locator(".tools").innerText()),
    /^10 of 200 “number01”$/,
    "paper must say so",
  );
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  await page.emulateMedia({ media: "screen" });
  assert.equal(await messages.getByRole("searchbox").inputValue(), "number01");
});

check("errors that were opened or closed stay so", "game", {}, async (page) => {
  const groups = section(page, "errors").locator("details");
  const before = await groups.evaluateAll((all) => all.map((one) => one.open));
  await groups.first().locator("summary").click();
  await page.getByRole("button", { name: "中文" }).click();
  const after = await groups.evaluateAll((all) => all.map((one) => one.open));
  assert.deepEqual(after, [!before[0], ...before.slice(1)]);
});

check("a zoom stays when a row is opened and when the theme changes", "game", {}, async (page) => {
  const over = page.locator("figure", { hasText: "Robots: planned" }).locator(".u-over");
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  await page.mouse.move(box.x + 200, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 400, box.y + 60, { steps: 4 });
  await page.mouse.up();
  const reset = page.getByRole("button", { name: "Reset zoom" });
  await reset.waitFor({ state: "visible" });
  const first = async (figure) => {
    await figure.locator(".plot").focus();
    await page.keyboard.press("ArrowRight");
    const said = await figure.locator("[aria-live]").textContent();
    await page.keyboard.press("Escape");
    return said;
  };
  const messages = section(page, "messages");
  await messages.getByRole("button", { name: "EchoRequest" }).click();
  assert.equal(await reset.isVisible(), true);
  const figures = messages.locator("tr.detail figure");
  assert.match(await first(figures.first()), /^0:\d\d · hold, replies \d/, "what is heard");
  const canvas = figures.first().locator("canvas");
  const zoomed = await canvas.evaluate((element) => element.toDataURL());
  await page.getByRole("button", { name: "Dark" }).click();
  await page.getByRole("button", { name: "Light" }).click();
  assert.equal(await reset.isVisible(), true);
  await soon(async () => assert.equal(await canvas.evaluate((element) => element.toDataURL()), zoomed));
  await reset.click();
  await page.mouse.move(2, 2);
  await soon(async () => {
    assert.equal(await reset.isVisible(), false);
    assert.notEqual(await canvas.evaluate((element) => element.toDataURL()), zoomed);
  });
});

check("a message has its figures in each phase", "game", {}, async (page) => {
  const messages = section(page, "messages");
  await messages.getByRole("button", { name: "EchoRequest" }).click();
  const rows = (await texts(messages.locator("tr.detail tbody tr"))).map(flat);
  assert.equal(rows.length, 2);
  assert.match(rows[0], /^ramp up 10 800 182 /);
  assert.match(rows[1], /^hold [\d ]+ 18 /);
});

check(
  "on a narrow screen names stay beside their figures, and drawings can be read",
  "plan",
  { viewport: { width: 390, height: 800 } },
  async (page) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} pixels too wide`);
    const messages = section(page, "messages");
    const name = messages.locator("tbody th").first();
    const { x } = await name.boundingBox();
    await messages.locator(".scroll").evaluate((element) => element.scrollTo(300, 0));
    assert.equal((await name.boundingBox()).x, x);
    await messages.getByRole("button", { name: "EchoRequest" }).click();
    const drawing = messages.locator("svg.bars");
    const scale = await drawing.evaluate((element) => element.clientWidth / element.viewBox.baseVal.width);
    assert.ok(scale > 0.9, `letters are drawn at ${scale} of their size`);
    const contents = await page.locator(".contents").boundingBox();
    assert.ok(contents.height < 60, `the contents cover ${contents.height} pixels`);
  },
);
