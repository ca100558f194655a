// What was found, first; what was searched, and the figures at the knee.

import { h, visible } from "../shared/dom";
import { rate, span, time, whole } from "../shared/format";
import { factList, moment, tile } from "../shared/frame";
import { strings } from "../shared/strings";
import { byLoad, type Figures, type Knee, mean, type Search } from "./model";
import { loadOf, texts } from "./texts";
import { shown } from "./tries";

export function head(figures: Figures): HTMLElement {
  const { search } = figures;
  const { knee } = search;
  const found = knee.result === "found";
  return h(
    "header",
    { class: `verdict ${found ? "pass" : "interrupted"}` },
    h(
      "div",
      { class: "verdict-line" },
      h("span", { class: "sign", "aria-hidden": "true" }, found ? "✓" : "?"),
      h(
        "div",
        {},
        h("p", { class: "project" }, `${visible(search.project)} · ${texts().title}`),
        h("h1", {}, answer(search), h("span", { class: "reason" }, reason(knee, search.of))),
      ),
    ),
    facts(figures),
  );
}

/** What was found, in a few words. */
export function answer({ knee, of }: Search): string {
  return knee.result === "found" ? texts().found(loadOf(knee.load, of)) : texts().notFound;
}

function reason(knee: Knee, of: string): string {
  const { reasons: t } = texts();
  const bears = (held: number | undefined) => (held === undefined ? "" : ` ${t.bears(loadOf(held, of))}`);
  switch (knee.result) {
    case "found":
      return t.found(loadOf(knee.load, of), loadOf(knee.fails_at, of));
    case "above_range":
      return t.above_range(loadOf(knee.load, of));
    case "limited":
      return t.limited(loadOf(knee.at, of)) + bears(knee.held);
    case "broken_off":
      return t.broken_off + bears(knee.held);
    default:
      return t[knee.result];
  }
}

function facts({ search, seed }: Figures): HTMLElement {
  const [t, own] = [strings().facts, texts().facts];
  return factList([
    [own.conditions, search.while.join(" · ")],
    [t.target, search.target],
    [t.started, moment(search.started_at_unix_s)],
    [own.hold, own.holdFor(span(search.hold_s), span(search.warm_up_s))],
    [t.seed, seed],
  ]);
}

/** The figures at the knee, beside those of the load that failed. */
export function tiles(search: Search): HTMLElement | null {
  const { knee, of } = search;
  if (knee.result !== "found") return null;
  const t = texts().tiles;
  const groups = byLoad(search.tries);
  const [at, above] = [groups.get(knee.load) ?? [], groups.get(knee.fails_at) ?? []];
  const each = mean(at, (tried) => tried.replies_per_s) ?? 0;
  const p99 = mean(at, (tried) => tried.latency_us?.p99);
  const p99Above = mean(above, (tried) => tried.latency_us?.p99);
  const again = search.tries.filter((tried) => tried.again).length;
  const figure = at[at.length - 1]?.conditions[0];
  return h(
    "div",
    { class: "tiles" },
    tile(t.bears, loadOf(knee.load, of), t.failsAt(loadOf(knee.fails_at, of))),
    figure ? tile(t.figure(visible(figure.key)), shown(figure), t.bound(visible(figure.condition))) : null,
    tile(t.replies, rate(each), t.each(rate(each / knee.load))),
    p99 === null ? null : tile(t.p99, time(p99), p99Above === null ? "" : t.above(time(p99Above))),
    tile(t.tries, whole(search.tries.length), t.again(again)),
  );
}
