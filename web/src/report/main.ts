// The report: reads the figures in the page and draws them, again whenever language or theme change.

import { fitCharts, forgetCharts, resetZoom, watchZoom } from "../shared/chart";
import { h } from "../shared/dom";
import { chooseLanguage, chooseTheme, type Language, language, onSystemTheme, theme } from "../shared/prefs";
import { strings } from "../shared/strings";
import { head, notices, thresholds, tiles } from "./head";
import { messages } from "./messages";
import type { Figures } from "./model";
import { checks, connections, pushes, sends, work } from "./others";
import { latency, load } from "./over-time";
import { plan } from "./plan";
import { environment, errors, generator } from "./troubles";

/** The width of a printed page, in pixels. */
const PAPER = 720;

const page = document.getElementById("page");
let printing = false;

function read(): Figures | null {
  try {
    const figures = JSON.parse(document.getElementById("figures")?.textContent ?? "");
    return figures.format === 1 ? figures : null;
  } catch {
    return null;
  }
}

const figures = read();

function draw(): void {
  if (!page) return;
  const t = strings();
  const at = scrollY;
  document.documentElement.lang = t.locale;
  document.documentElement.dataset.theme = printing ? "light" : theme();
  page.style.maxWidth = printing ? `${PAPER}px` : "";
  forgetCharts();
  if (!figures) {
    page.replaceChildren(h("p", { class: "empty" }, t.noFigures));
    return;
  }
  const { summary, timeline } = figures;
  document.title = `${summary.project}: ${t.verdicts[summary.verdict] ?? summary.verdict} · throng`;
  const sections = [
    thresholds(summary),
    plan(summary),
    load(timeline),
    latency(timeline),
    messages(figures),
    pushes(figures),
    sends(summary),
    errors(summary),
    work(summary),
    checks(summary),
    connections(summary),
    generator(figures),
    environment(figures),
  ].filter((section) => section !== null);
  const top = notices(summary);
  page.replaceChildren(
    switches(),
    head(figures),
    ...(top ? [top] : []),
    tiles(summary),
    contents(sections),
    h("p", { class: "quiet hint screen" }, t.chartHint),
    ...sections,
    h("footer", { class: "quiet" }, t.footer(summary.environment?.version ?? "")),
  );
  fitCharts();
  scrollTo(0, at);
}

function contents(sections: HTMLElement[]): HTMLElement {
  const reset = h(
    "button",
    { type: "button", class: "reset", hidden: true, onclick: resetZoom },
    strings().resetZoom,
  );
  watchZoom((zoomed) => {
    reset.hidden = !zoomed;
  });
  const links = sections.map((section) =>
    h("li", {}, h("a", { href: `#${section.id}` }, section.querySelector("h2")?.textContent ?? "")),
  );
  return h("nav", { class: "contents", "aria-label": strings().contents }, h("ul", {}, ...links), reset);
}

function switches(): HTMLElement {
  const t = strings();
  const choice = (name: string, on: boolean, lang: string | null, chosen: () => void) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(on),
        lang,
        onclick: () => {
          chosen();
          draw();
        },
      },
      name,
    );
  const speak = (code: Language, name: string, lang: string) =>
    choice(name, language() === code, lang, () => chooseLanguage(code));
  return h(
    "div",
    { class: "switches" },
    h(
      "div",
      { role: "group", "aria-label": t.language },
      speak("en", "English", "en"),
      speak("zh", "中文", "zh-CN"),
    ),
    h(
      "div",
      { role: "group", "aria-label": t.theme.label },
      choice(t.theme.light, theme() === "light", null, () => chooseTheme("light")),
      choice(t.theme.dark, theme() === "dark", null, () => chooseTheme("dark")),
    ),
  );
}

/** Paper is white and narrow, and canvases do not follow a style sheet. */
function print(on: boolean): void {
  if (printing === on) return;
  printing = on;
  draw();
}

draw();
onSystemTheme(draw);
addEventListener("beforeprint", () => print(true));
addEventListener("afterprint", () => print(false));
