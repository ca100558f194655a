// A heat map: time by latency, with the median and the p99 as lines.

import type uPlot from "uplot";
import { type Band, type Line, placeAt, timeChart } from "./chart";
import { colour, shade } from "./colours";
import { h } from "./dom";
import { percent, rate, time } from "./format";
import { strings } from "./strings";

export interface HeatSpec {
  title: string;
  at: number[];
  /** How long each stretch took, in seconds. */
  took: number[];
  /** How many rows there are for a doubling of the latency. */
  perDoubling: number;
  /** Each stretch: the lowest row in use and the counts from there on. */
  columns: [number, number[]][];
  lines: Line[];
  bands: Band[];
  height?: number;
  /** As of a chart. */
  keep?: string;
}

/** The smallest and the largest number of replies a second in a cell. */
interface Bounds {
  least: number;
  most: number;
}

const perSecond = (spec: HeatSpec, at: number, count: number): number =>
  count / Math.max(0.001, spec.took[at] ?? 1);

/** The lower edge of a row, in microseconds. */
const edge = (row: number, perDoubling: number): number => 2 ** (row / perDoubling);

export function heatMap(spec: HeatSpec): HTMLElement {
  const t = strings();
  const used = spec.columns.filter(([, counts]) => counts.length > 0);
  // Stretches of a long run differ in length: what is compared is how many came a second.
  const rates = spec.columns.flatMap(([, counts], at) =>
    counts.filter((count) => count > 0).map((count) => perSecond(spec, at, count)),
  );
  const bounds: Bounds = {
    least: rates.reduce((a, b) => Math.min(a, b), Infinity),
    most: rates.reduce((a, b) => Math.max(a, b), 0),
  };
  if (bounds.most === 0) {
    return timeChart({
      title: spec.title,
      at: [],
      lines: [],
      unit: { show: time },
      bands: [],
      empty: t.latency.none,
    });
  }
  const low = used.reduce((row, [first]) => Math.min(row, first), Infinity);
  const high = used.reduce((row, [first, counts]) => Math.max(row, first + counts.length), 0);
  const dark = document.documentElement.dataset.theme === "dark";
  const note = h(
    "div",
    { class: "heat-note" },
    h("span", {}, dark ? t.latency.heatHelpDark : t.latency.heatHelp),
    scale(bounds),
  );
  return timeChart({
    title: spec.title,
    at: spec.at,
    took: spec.took,
    ...(spec.keep ? { keep: spec.keep } : {}),
    lines: spec.lines,
    unit: { show: time, log: true },
    bands: spec.bands,
    height: spec.height ?? 260,
    empty: t.latency.none,
    range: [edge(low, spec.perDoubling) / 1.1, edge(high, spec.perDoubling) * 1.1],
    note,
    below: (plot) => paint(plot, spec, bounds),
    told: (plot, left, top) => told(plot, spec, left, top),
  });
}

/** Counts differ by thousands: the shade follows their logarithm. */
function depth(rate: number, { least, most }: Bounds): number {
  return most <= least ? 1 : 0.12 + (0.88 * Math.log(rate / least)) / Math.log(most / least);
}

function paint(plot: uPlot, spec: HeatSpec, bounds: Bounds): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  spec.columns.forEach(([first, counts], at) => {
    const end = spec.at[at] ?? 0;
    const left = plot.valToPos(end - (spec.took[at] ?? 0), "x", true);
    const right = plot.valToPos(end, "x", true);
    counts.forEach((count, row) => {
      if (count === 0) return;
      const below = plot.valToPos(edge(first + row, spec.perDoubling), "y", true);
      const above = plot.valToPos(edge(first + row + 1, spec.perDoubling), "y", true);
      ctx.fillStyle = shade(depth(perSecond(spec, at, count), bounds));
      // Half a pixel more, so that neighbours leave no gap.
      ctx.fillRect(left, above, right - left + 0.5, below - above + 0.5);
    });
  });
  ctx.restore();
}

function told(plot: uPlot, spec: HeatSpec, _left: number, top: number): string[] {
  const column = spec.columns[placeAt(plot) ?? -1];
  if (!column) return [];
  const [first, counts] = column;
  const row = Math.floor(Math.log2(Math.max(1, plot.posToVal(top, "y"))) * spec.perDoubling);
  const count = counts[row - first] ?? 0;
  const whole = counts.reduce((a, b) => a + b, 0);
  if (whole === 0) return [];
  const range = `${time(edge(row, spec.perDoubling))} – ${time(edge(row + 1, spec.perDoubling))}`;
  return [`${range}: ${strings().latency.cell(percent(count / whole))}`];
}

/** What the shades mean. */
function scale({ least, most }: Bounds): HTMLElement {
  const bar = h("span", { class: "heat-scale", "aria-hidden": "true" });
  const stops = [0, 0.25, 0.5, 0.75, 1].map((share) => shade(0.12 + 0.88 * share));
  bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  bar.style.borderColor = colour("grid");
  return h(
    "span",
    { class: "heat-key" },
    `${strings().latency.heatLegend}: `,
    h("span", { class: "num" }, rate(least)),
    bar,
    h("span", { class: "num" }, rate(most)),
  );
}
