// Charts over the run's time, or over something else that all charts of a page share: a crosshair and a zoom in one are in
// all.

import uPlot from "uplot";
import { logMarks, SECONDS, WHOLE } from "./axes";
import { colour, type Tone } from "./colours";
import { h, lookup, visible } from "./dom";
import { clock } from "./format";
import { alone, bars, GAP, gaps } from "./paths";
import { strings } from "./strings";

/** How a value is shown, on axes and in tooltips. */
export interface Unit {
  show: (value: number) => string;
  /** A logarithmic axis, for latencies. */
  log?: boolean;
  /** Axis steps are whole numbers. */
  whole?: boolean;
}

export interface Line {
  label: string;
  tone: Tone;
  values: (number | null)[];
  dash?: number[];
  width?: number;
  fill?: boolean;
}

/** From when to when the plan did what; in seconds. */
export interface Band {
  phase: string;
  from: number;
  to: number;
}

/** What lies along the lower axis where it is not the run's time. */
export interface Across {
  label: string;
  show: (value: number) => string;
  /** What the head of a tooltip says. */
  told: (value: number) => string;
  /** A logarithmic axis. */
  log: boolean;
}

export interface ChartSpec {
  title: string;
  /** The end of each stretch, in seconds of the run; or places along `across`, from left to right. */
  at: number[];
  across?: Across;
  /** How long each stretch took, in seconds; without it each began when the one before ended. */
  took?: number[];
  lines: Line[];
  unit: Unit;
  bands: Band[];
  height?: number;
  /** Said instead of the chart when there is nothing to draw. */
  empty: string;
  /** Drawn below the lines, with the plot's scales ready. */
  below?: (plot: uPlot) => void;
  /** Drawn above them. */
  above?: (plot: uPlot) => void;
  /** Values of what is drawn above, which are to have their place too. */
  reach?: number[];
  /** What a tooltip says besides the lines, for a place in the plot. */
  told?: (plot: uPlot, left: number, top: number) => string[];
  /** Bounds of the value axis. */
  range?: [number, number];
  /** Stands under the title. */
  note?: Node;
  /** Bars on top of each other, each as wide as its stretch: for what happens now and then. */
  stacked?: boolean;
  /** Under which name it is known which lines the reader switched off, when the page is drawn anew. */
  keep?: string;
}

const SYNC = "time";
const HEIGHT = 220;
/** How large a value is drawn that no line goes through. */
const POINT = 5;
/** The most marks of a logarithmic axis. */
const MARKS = 7;
/** The most marks along a logarithmic axis. */
const MARKS_ACROSS = 10;
/** The charts on the page, and the part that all of them show if it is not the whole. */
const charts = new Map<uPlot, HTMLElement>();
const specs = new WeakMap<uPlot, ChartSpec>();
let shown: [number, number] | null = null;
let onZoom: (zoomed: boolean) => void = () => {};
/** Lines that the reader switched off, by chart. */
const off = new Map<string, Set<number>>();
const sizes = new ResizeObserver((entries) => {
  for (const entry of entries) {
    for (const [plot, box] of charts) {
      if (box === entry.target && plot.width !== box.clientWidth && box.clientWidth > 0) {
        plot.setSize({ width: box.clientWidth, height: plot.height });
      }
    }
  }
});

/** Gives every chart the width it has room for, at once: paper does not wait for an observer. */
export function fitCharts(): void {
  for (const [plot, box] of charts) {
    if (box.clientWidth > 0) plot.setSize({ width: box.clientWidth, height: plot.height });
  }
}

/** Forgets all charts, before the page is drawn anew. */
export function forgetCharts(): void {
  for (const [plot, box] of charts) {
    sizes.unobserve(box);
    plot.destroy();
  }
  charts.clear();
}

/** Forgets the charts inside an element that goes. */
export function forgetChartsIn(element: Element): void {
  for (const [plot, box] of charts) {
    if (!element.contains(box)) continue;
    sizes.unobserve(box);
    plot.destroy();
    charts.delete(plot);
  }
}

/** Calls `changed` when a reader zooms in or out, and at once with what is. */
export function watchZoom(changed: (zoomed: boolean) => void): void {
  onZoom = changed;
  changed(shown !== null);
}

/** Shows the whole run in all charts. */
export function resetZoom(): void {
  zoom(null, null);
}

function zoom(source: uPlot | null, wanted: [number, number] | null): void {
  shown = wanted;
  for (const plot of charts.keys()) {
    if (plot !== source) follow(plot);
  }
  onZoom(wanted !== null);
}

/** Shows in a chart what all of them show. */
function follow(plot: uPlot): void {
  const [min, max] = bounds(plot);
  plot.setScale("x", { min, max });
}

/** From where to where a chart is to go. */
function bounds(plot: uPlot): [number, number] {
  const spec = specs.get(plot);
  if (!spec) return [0, 1];
  return shown ? ranged(spec, ...shown) : extent(spec);
}

/** From where to where a chart goes: time begins with the run, other things with some room beside their ends. */
function extent({ at, across }: ChartSpec): [number, number] {
  const [first, last] = [at[0] ?? 0, at[at.length - 1] ?? 1];
  if (!across) return [0, last];
  if (across.log) return first === last ? [first / 2, first * 2] : [first / 1.2, last * 1.2];
  const room = first === last ? first / 2 : (last - first) / 16;
  return [Math.max(0, first - room), last + room];
}

function ranged(spec: ChartSpec, min: number, max: number): [number, number] {
  const { at, across } = spec;
  const first = at[0] ?? 0;
  if (across) return min <= first && max >= (at[at.length - 1] ?? 1) ? extent(spec) : [min, max];
  // The first stretch began at zero and not at its end.
  const from = min <= first ? 0 : min;
  return [from, Math.max(max, from + 1)];
}

/** A reader zoomed in this chart: the others follow. */
function zoomed(plot: uPlot): void {
  const spec = specs.get(plot);
  const { min, max } = plot.scales.x ?? {};
  if (!spec || !charts.has(plot) || min === undefined || max === undefined) return;
  const [from, to] = bounds(plot);
  const close = (max - min) / 1e6;
  // Those that follow, and new ones, have what they should.
  if (Math.abs(min - from) <= close && Math.abs(max - to) <= close) return;
  const [first, last] = extent(spec);
  zoom(plot, min <= first && max >= last ? null : [min, max]);
}

/** A chart with its title and its legend, or what is said when there is nothing to draw. */
export function timeChart(spec: ChartSpec): HTMLElement {
  const drawn = spec.lines.filter((line) => line.values.some((value) => value !== null));
  const figure = h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("span", { class: "chart-title" }, spec.title)),
  );
  if (spec.at.length === 0 || (drawn.length === 0 && !spec.below)) {
    figure.append(h("p", { class: "empty" }, spec.empty));
    return figure;
  }
  const box = h("div", {
    class: "plot",
    tabindex: 0,
    role: "img",
    "aria-label": strings().chartOf(spec.title, drawn.map((line) => spoken(line, spec.unit)).join("; ")),
  });
  const tip = h("div", { class: "tip", hidden: true });
  const hidden = (spec.keep && off.get(spec.keep)) || new Set<number>();
  if (spec.keep) off.set(spec.keep, hidden);
  const plot = new uPlot(
    options(spec, drawn, tip, hidden),
    data(spec, drawn, (at) => !hidden.has(at)),
    box,
  );
  // What is in an image cannot be heard.
  const said = h("p", { class: "hidden", "aria-live": "polite" });
  figure.append(legendOf(plot, drawn, spec, hidden));
  if (spec.note) figure.append(spec.note);
  figure.append(box, said);
  box.append(tip);
  charts.set(plot, box);
  specs.set(plot, spec);
  sizes.observe(box);
  if (shown) follow(plot);
  box.addEventListener("keydown", (event) => {
    if (walk(plot, event)) said.textContent = heard(tip);
  });
  box.addEventListener("blur", () => plot.setCursor({ left: -10, top: -10 }));
  return figure;
}

/** What a tooltip says, for a screen reader. */
function heard(tip: HTMLElement): string {
  const said = (row: Element) =>
    [...row.childNodes]
      .map((part) => part.textContent)
      .filter(Boolean)
      .join(" ");
  return tip.hidden ? "" : [...tip.children].map(said).join(", ");
}

function spoken(line: Line, unit: Unit): string {
  const values = line.values.filter((value): value is number => value !== null);
  const [low, high] = [
    values.reduce((a, b) => Math.min(a, b), Infinity),
    values.reduce((a, b) => Math.max(a, b), 0),
  ];
  return strings().rangeOf(line.label, unit.show(low), unit.show(high));
}

/** What the plot draws; lines that lie on each other are sums of those below that are shown. */
function data(
  spec: ChartSpec,
  lines: Line[],
  shown: (at: number) => boolean = () => true,
): uPlot.AlignedData {
  if (spec.stacked) {
    const sums = spec.at.map(() => 0);
    // From the last one up: those drawn later cover the lower part of those drawn before.
    const stacked = lines.toReversed().map((line, back) => {
      line.values.forEach((value, place) => {
        if (shown(lines.length - 1 - back)) sums[place] = (sums[place] ?? 0) + (value ?? 0);
      });
      return [...sums];
    });
    return [spec.at, ...stacked.toReversed()];
  }
  const floor = (value: number | null) => (value !== null && spec.unit.log ? Math.max(value, 1) : value);
  return [spec.at, ...lines.map((line) => line.values.map(floor))] as uPlot.AlignedData;
}

function options(spec: ChartSpec, lines: Line[], tip: HTMLElement, hidden: Set<number>): uPlot.Options {
  const { unit, across } = spec;
  const axis = (side: Partial<uPlot.Axis>): uPlot.Axis => ({
    stroke: colour("quiet"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { stroke: colour("grid"), width: 1, size: 4 },
    gap: 6,
    ...side,
  });
  return {
    width: 640,
    height: spec.height ?? HEIGHT,
    padding: [12, 24, 0, 0],
    legend: { show: false },
    focus: { alpha: 1 },
    cursor: {
      sync: { key: SYNC, scales: ["x", null] },
      drag: { x: true, y: false, setScale: true },
      points: { size: 6 },
      focus: { prox: -1 },
      dataIdx: (plot, _series, closest, value) => stretchAt(plot, closest, value) ?? closest,
    },
    scales: {
      x: {
        time: false,
        ...(across?.log ? { distr: 3 as const } : {}),
        range: (_plot, min, max) => ranged(spec, min, max),
      },
      y: unit.log
        ? { distr: 3, range: (_plot, min, max) => logRange(spec, ...reaching(spec, min, max)) }
        : { range: (_plot, min, max) => linearRange(...reaching(spec, min, max)) },
    },
    axes: [
      axis({
        ...(across
          ? { label: across.label, labelSize: 20, labelGap: 2, labelFont: "12px system-ui, sans-serif" }
          : { incrs: SECONDS }),
        ...(across?.log
          ? {
              splits: (_plot, _at, min, max) => logMarks(min, max, MARKS_ACROSS),
              filter: (_plot, splits) => splits,
            }
          : {}),
        space: 64,
        size: 32,
        values: (_plot, splits) => splits.map((value) => (across ? across.show(value) : clock(value))),
      }),
      axis({
        size: 72,
        space: 34,
        ...(unit.whole ? { incrs: WHOLE } : {}),
        ...(unit.log ? { splits: (_plot, _at, min, max) => logMarks(min, max, MARKS) } : {}),
        ...(unit.log ? { filter: (_plot, splits) => splits } : {}),
        values: (_plot, splits) => splits.map((value) => unit.show(value)),
      }),
    ],
    series: [{}, ...lines.map((line, at) => ({ ...series(line, spec), show: !hidden.has(at) }))],
    hooks: {
      drawClear: [(plot) => drawBands(plot, spec.bands)],
      drawAxes: [(plot) => spec.below?.(plot)],
      draw: [(plot) => spec.above?.(plot)],
      setScale: [
        (plot, key) => {
          if (key === "x") zoomed(plot);
        },
      ],
      setCursor: [(plot) => showTip(plot, spec, lines, tip)],
    },
  };
}

function series(line: Line, spec: ChartSpec): uPlot.Series {
  const stroke = colour(line.tone);
  const took = spec.took ?? spec.at.map((end, place) => end - (spec.at[place - 1] ?? 0));
  if (spec.stacked) {
    return { label: line.label, stroke, fill: stroke, width: 0, points: { show: false }, paths: bars(took) };
  }
  const points = alone(line.values, spec.at, took);
  return {
    label: line.label,
    stroke,
    width: line.width ?? 1.75,
    points: { show: false, filter: () => points, size: POINT, fill: stroke },
    spanGaps: false,
    gaps: gaps(took),
    ...(line.dash ? { dash: line.dash } : {}),
    // Two digits more are how much of it covers what is below.
    ...(line.fill ? { fill: `${stroke}24` } : {}),
  };
}

/** Zero is always there, and some room above the highest value. */
function linearRange(_min: number, max: number): [number, number] {
  return [0, max > 0 ? max * 1.08 : 1];
}

/** The lowest and the highest value, those among them that are not on a line. */
function reaching({ reach = [] }: ChartSpec, min: number, max: number): [number, number] {
  return [Math.min(min, ...reach), Math.max(max, ...reach)];
}

function logRange(spec: ChartSpec, min: number, max: number): [number, number] {
  if (spec.range) return spec.range;
  return [Math.max(1, min / 1.3), Math.max(2, max * 1.3)];
}

/** Every second phase is tinted, and each has its name where it fits. */
function drawBands(plot: uPlot, bands: Band[]): void {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio || 1;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  bands.forEach((band, at) => {
    const from = plot.valToPos(band.from, "x", true);
    const to = plot.valToPos(band.to, "x", true);
    if (at % 2 === 0) {
      ctx.fillStyle = colour("band");
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
    }
    const name = phaseName(band.phase);
    const start = Math.max(from, bbox.left) + 4 * scale;
    if (ctx.measureText(name).width < Math.min(to, bbox.left + bbox.width) - start) {
      ctx.fillStyle = colour("quiet");
      ctx.fillText(name, start, bbox.top + 2 * scale);
    }
  });
  ctx.restore();
}

/** What a phase is called; plans name their own. */
export const phaseName = (phase: string): string => visible(lookup(strings().phases, phase) ?? phase);

/** What the phase is at a time. */
export function phaseAt(bands: Band[], at: number): string {
  const band = bands.find((one) => at > one.from && at <= one.to);
  return band ? phaseName(band.phase) : "";
}

/** In which stretch the crosshair is, or at which place; in none where nothing was recorded. */
export function placeAt(plot: uPlot): number | null {
  const { idx, left = -1 } = plot.cursor;
  return idx === null || idx === undefined || left < 0
    ? null
    : stretchAt(plot, idx, plot.posToVal(left, "x"));
}

/** The stretch that a time is in, given the one whose end is closest: it, or the one after. */
function stretchAt(plot: uPlot, closest: number, time: number): number | null {
  const spec = specs.get(plot);
  if (!spec || spec.across) return closest;
  const { min = 0, max = 1 } = plot.scales.x ?? {};
  const exact = (max - min) / 1e6;
  const place = (spec.at[closest] ?? 0) + exact >= time ? closest : closest + 1;
  const end = spec.at[place];
  const took = spec.took?.[place] ?? Infinity;
  return end === undefined || time < end - took - GAP ? null : place;
}

function showTip(plot: uPlot, spec: ChartSpec, lines: Line[], tip: HTMLElement): void {
  const { left = -1, top = -1 } = plot.cursor;
  const idx = placeAt(plot);
  const figure = plot.root.closest("figure");
  for (const [at, value] of (figure?.querySelectorAll(".legend-value") ?? []).entries()) {
    const shown = idx === null ? null : lines[at]?.values[idx];
    value.textContent = shown === null || shown === undefined ? "" : spec.unit.show(shown);
  }
  const own = plot.over.matches(":hover") || plot.root.closest(".plot") === document.activeElement;
  if (!own || idx === null) {
    tip.hidden = true;
    return;
  }
  const at = plot.data[0][idx] ?? 0;
  const head = spec.across
    ? spec.across.told(at)
    : [clock(at), phaseAt(spec.bands, at)].filter(Boolean).join(" · ");
  const rows: Node[] = [h("strong", {}, head)];
  lines.forEach((line, place) => {
    if (plot.series[place + 1]?.show === false) return;
    const value = line.values[idx];
    const shown = value === null || value === undefined ? "–" : spec.unit.show(value);
    rows.push(
      h(
        "span",
        { class: "tip-row" },
        swatch(line, spec.stacked),
        h("span", {}, line.label),
        h("b", {}, shown),
      ),
    );
  });
  for (const text of spec.told?.(plot, left, top) ?? []) rows.push(h("span", {}, text));
  tip.replaceChildren(...rows);
  tip.hidden = false;
  const offset = plot.over.offsetLeft;
  const room = plot.width - offset;
  const beside = left + 16 + tip.offsetWidth > room ? left - tip.offsetWidth - 12 : left + 16;
  tip.style.left = `${offset + Math.max(0, beside)}px`;
  tip.style.top = `${plot.over.offsetTop + 8}px`;
}

/** A line's sign: its colour and its dashes. */
function swatch(line: Line, stacked = false): Element {
  const sign = h("i", { class: stacked ? "swatch block" : "swatch", "aria-hidden": "true" });
  sign.style.borderTopColor = colour(line.tone);
  sign.style.borderTopStyle = line.dash ? "dashed" : "solid";
  return sign;
}

function legendOf(plot: uPlot, lines: Line[], spec: ChartSpec, hidden: Set<number>): HTMLElement {
  const legend = h("div", { class: "legend", role: "group", "aria-label": spec.title });
  lines.forEach((line, at) => {
    const button = h(
      "button",
      {
        type: "button",
        "aria-pressed": String(!hidden.has(at)),
        onclick: () => {
          const show = hidden.delete(at);
          if (!show) hidden.add(at);
          plot.setSeries(at + 1, { show });
          if (spec.stacked) {
            plot.setData(
              data(spec, lines, (one) => !hidden.has(one)),
              false,
            );
          }
          plot.redraw();
          button.setAttribute("aria-pressed", String(show));
        },
      },
      swatch(line, spec.stacked),
      h("span", {}, line.label),
      h("span", { class: "legend-value" }),
    );
    legend.append(button);
  });
  return legend;
}

/** Arrow keys move the crosshair; with Shift by a tenth. Gives whether it may have moved. */
function walk(plot: uPlot, event: KeyboardEvent): boolean {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step === undefined) {
    if (event.key === "Escape") plot.setCursor({ left: -10, top: -10 });
    return event.key === "Escape";
  }
  event.preventDefault();
  const [low, high] = seen(plot);
  const far = event.shiftKey ? Math.max(1, Math.round((high - low) / 10)) : 1;
  const from = plot.cursor.idx ?? (step > 0 ? low - 1 : high + 1);
  const at = Math.min(high, Math.max(low, from + step * far));
  plot.setCursor({ left: plot.valToPos(plot.data[0][at] ?? 0, "x"), top: 20 });
  return true;
}

/** The places of the first and the last stretch that a zoom leaves. */
function seen(plot: uPlot): [number, number] {
  const at = [...plot.data[0]];
  const { min = 0, max = Infinity } = plot.scales.x ?? {};
  const [low, high] = [at.findIndex((one) => one >= min), at.findLastIndex((one) => one <= max)];
  return low < 0 || high < low ? [0, at.length - 1] : [low, high];
}
