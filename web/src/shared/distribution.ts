// The shape of a distribution: as a chart with axes, and as a sign in a table's row.

import { logMarks } from "./axes";
import { h, svg } from "./dom";
import { percent, time, whole } from "./format";
import { strings } from "./strings";

/** A part of a distribution: how many lie above the bin before and up to `up_to_us`. */
export interface Bin {
  up_to_us: number;
  count: number;
}

/** A distribution as a row of a table shows it. */
export function spark(bins: Bin[]): Element | null {
  const most = bins.reduce((top, bin) => Math.max(top, bin.count), 0);
  if (most === 0) return null;
  const [width, height] = [72, 18];
  const step = width / Math.max(bins.length, 8);
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
    ...bins.map((bin, at) => {
      const tall = bin.count === 0 ? 0 : Math.max(1, (bin.count / most) * height);
      return svg("rect", { x: at * step, y: height - tall, width: Math.max(0.5, step - 0.7), height: tall });
    }),
  );
}

/** The widest that a drawing gets, and how much room a mark below it takes. */
const [WIDEST, MARK] = [900, 84];

/** A distribution with axes: durations on a logarithmic one, and marks at some quantiles. */
export function distribution(
  title: string,
  bins: Bin[],
  low: number,
  marks: { label: string; us: number }[],
): HTMLElement {
  const t = strings();
  const figure = h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("span", { class: "chart-title" }, title)),
  );
  const count = bins.reduce((sum, bin) => sum + bin.count, 0);
  const most = bins.reduce((top, bin) => Math.max(top, bin.count), 0);
  if (count === 0) {
    figure.append(h("p", { class: "empty" }, t.message.none));
    return figure;
  }
  // Drawn as wide as it is shown, because a drawing that is scaled down has letters nobody can read.
  const room = document.getElementById("page")?.clientWidth ?? WIDEST;
  const width = Math.min(WIDEST, Math.max(300, room - 84));
  const [height, left, bottom, top] = [230, 56, 28, 22];
  const least = Math.max(1, low);
  const high = Math.max(least * 1.05, bins[bins.length - 1]?.up_to_us ?? least);
  const x = (us: number) =>
    left + (Math.log(Math.max(us, least) / least) / Math.log(high / least)) * (width - left - 12);
  const y = (n: number) => height - bottom - (n / most) * (height - bottom - top);
  const drawing = svg("svg", {
    class: "bars",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": t.chartOf(title, marks.map((mark) => `${mark.label} ${time(mark.us)}`).join(", ")),
  });
  for (const share of [0, 0.5, 1]) {
    const at = y(most * share);
    drawing.append(svg("line", { class: "grid", x1: left, x2: width - 12, y1: at, y2: at }));
    drawing.append(
      svg("text", { x: left - 8, y: at + 4, "text-anchor": "end" }, percent((most * share) / count)),
    );
  }
  let before = least;
  for (const bin of bins) {
    const [from, to] = [x(before), x(Math.max(bin.up_to_us, before))];
    const said = t.message.bin(
      time(before),
      time(bin.up_to_us),
      whole(bin.count),
      percent(bin.count / count),
    );
    const wide = Math.max(1, (bins.length === 1 ? width - 12 : to) - from - 1);
    drawing.append(
      svg("rect", { class: "bar", x: from, y: y(bin.count), width: wide, height: y(0) - y(bin.count) }),
      // The whole column answers to the pointer, however small the bar is.
      svg(
        "rect",
        { class: "reach", x: from, y: top, width: wide + 1, height: y(0) - top },
        svg("title", {}, said),
      ),
    );
    before = bin.up_to_us;
  }
  for (const tick of logMarks(least, high, Math.floor((width - left) / MARK))) {
    drawing.append(svg("text", { x: x(tick), y: height - 8, "text-anchor": "middle" }, time(tick)));
  }
  let taken = -Infinity;
  for (const mark of marks) {
    const at = x(mark.us);
    drawing.append(svg("line", { class: "mark", x1: at, x2: at, y1: top - 4, y2: y(0) }));
    // Names that would lie over each other are left to the figures beside.
    if (at - taken < 34) continue;
    taken = at;
    drawing.append(svg("text", { class: "mark", x: at, y: top - 8, "text-anchor": "middle" }, mark.label));
  }
  figure.append(drawing);
  return figure;
}
