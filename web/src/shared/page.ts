// A page that is drawn from the figures in it, and again whenever language, theme or paper change.

import { fitCharts, forgetCharts, resetZoom, watchZoom } from "./chart";
import { h } from "./dom";
import { chooseLanguage, chooseTheme, type Language, language, onSystemTheme, theme } from "./prefs";
import { strings } from "./strings";

/** The width of a printed page, in pixels. */
const PAPER = 720;

export interface Page<F> {
  /** The format of the figures that it understands. */
  format: number;
  title: (figures: F) => string;
  body: (figures: F) => Node[];
}

/** Shows a page for as long as it is open. */
export function show<F extends { format: number }>(page: Page<F>): void {
  const place = document.getElementById("page");
  if (!place) return;
  const figures = read<F>(page.format);
  let printing = false;

  const draw = () => {
    const t = strings();
    const at = scrollY;
    document.documentElement.lang = t.locale;
    document.documentElement.dataset.theme = printing ? "light" : theme();
    place.style.maxWidth = printing ? `${PAPER}px` : "";
    place.style.setProperty("--page", printing ? `${PAPER}px` : null);
    forgetCharts();
    if (!figures) {
      place.replaceChildren(h("p", { class: "empty" }, t.noFigures));
      return;
    }
    document.title = page.title(figures);
    place.replaceChildren(switches(draw), ...page.body(figures));
    fitCharts();
    scrollTo(0, at);
  };
  // Paper is white and narrow, and canvases do not follow a style sheet.
  const print = (on: boolean) => {
    if (printing === on) return;
    printing = on;
    draw();
  };
  draw();
  onSystemTheme(draw);
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
}

function read<F extends { format: number }>(format: number): F | null {
  try {
    const figures: F = JSON.parse(document.getElementById("figures")?.textContent ?? "");
    return figures.format === format ? figures : null;
  } catch {
    return null;
  }
}

/** Links to the sections, and the way back from a zoom. */
export function contents(sections: HTMLElement[]): HTMLElement {
  const reset = h("button", { type: "button", class: "reset", onclick: resetZoom }, strings().resetZoom);
  watchZoom((zoomed) => {
    reset.hidden = !zoomed;
  });
  const links = sections.map((section) =>
    h("li", {}, h("a", { href: `#${section.id}` }, section.querySelector("h2")?.textContent ?? "")),
  );
  return h("nav", { class: "contents", "aria-label": strings().contents }, h("ul", {}, ...links), reset);
}

function switches(draw: () => void): HTMLElement {
  const t = strings();
  const choice = (id: string, name: string, on: boolean, lang: string | null, chosen: () => void) =>
    h(
      "button",
      {
        type: "button",
        id,
        "aria-pressed": String(on),
        lang,
        onclick: () => {
          chosen();
          draw();
          // The button that was pressed is gone: who uses the keyboard goes on from its successor.
          document.getElementById(id)?.focus();
        },
      },
      name,
    );
  const speak = (code: Language, name: string, lang: string) =>
    choice(`speak-${code}`, name, language() === code, lang, () => chooseLanguage(code));
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
      choice("theme-light", t.theme.light, theme() === "light", null, () => chooseTheme("light")),
      choice("theme-dark", t.theme.dark, theme() === "dark", null, () => chooseTheme("dark")),
    ),
  );
}
