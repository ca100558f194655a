// What happened when: robots, messages, bytes, connections, errors; latencies; the generator's own part.

import { type Band, type Line, timeChart, type Unit } from "../shared/chart";
import { seriesTone, type Tone } from "../shared/colours";
import { h } from "../shared/dom";
import { bytes, percent, rate, time, whole } from "../shared/format";
import { heatMap } from "../shared/heatmap";
import { strings } from "../shared/strings";
import type { Percentiles, Timeline } from "./model";
import { kindName, pair, section } from "./sections";
import { bands, ends, perSecond } from "./time";

const RATE: Unit = { show: rate };
const BYTES: Unit = { show: bytes };
const WHOLE: Unit = { show: whole, whole: true };
const LATENCY: Unit = { show: time, log: true };
const SHARE: Unit = { show: percent };

/** More kinds of errors than this are not told apart by colour. */
const KINDS = 6;

export function load(timeline: Timeline): HTMLElement {
  const t = strings();
  const { robots, traffic, took } = timeline;
  const at = ends(timeline);
  const shared = { at, bands: bands(timeline), empty: t.nothingInTime };
  const alive = robots.ready.map(
    (ready, place) => ready + (robots.logging_in[place] ?? 0) + (robots.connecting[place] ?? 0),
  );
  const rates = (name: string, label: string, tone: Tone, more: Partial<Line> = {}): Line => ({
    label,
    tone,
    values: perSecond(traffic[name], took),
    ...more,
  });
  return section(
    "load",
    t.sections.load,
    timeChart({
      ...shared,
      title: t.load.robots,
      unit: WHOLE,
      lines: [
        { label: t.load.planned, tone: "quiet", values: robots.wanted, dash: [6, 4] },
        { label: t.load.alive, tone: "a", values: alive },
        { label: t.load.ready, tone: "c", values: robots.ready, fill: true },
        ...(robots.failed.some((count) => count > 0)
          ? [{ label: t.load.failed, tone: "bad" as Tone, values: robots.failed, dash: [2, 2] }]
          : []),
      ],
    }),
    pair(
      timeChart({
        ...shared,
        title: t.load.messages,
        unit: RATE,
        lines: [
          rates("sent", t.load.sent, "a"),
          rates("received", t.load.received, "b"),
          rates("replies", t.load.replies, "c", { dash: [6, 3] }),
          rates("pushes", t.load.pushes, "d", { dash: [2, 2] }),
        ],
      }),
      timeChart({
        ...shared,
        title: t.load.bytes,
        unit: BYTES,
        lines: [rates("bytes_sent", t.load.sent, "a"), rates("bytes_received", t.load.received, "b")],
      }),
    ),
    pair(errorRates(timeline, at, shared.bands), connections(timeline, at, shared.bands)),
  );
}

function errorRates(timeline: Timeline, at: number[], phases: Band[]): HTMLElement {
  const t = strings();
  const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);
  const kinds = Object.entries(timeline.errors).sort((a, b) => sum(b[1]) - sum(a[1]));
  const line = ([kind, counts]: [string, number[]], place: number): Line => ({
    label: kindName(kind),
    tone: place === 0 ? "bad" : seriesTone(place - 1),
    values: perSecond(counts, timeline.took),
  });
  return timeChart({
    title: t.load.errors,
    at,
    bands: phases,
    unit: RATE,
    stacked: true,
    lines: kinds.slice(0, KINDS).map(line),
    empty: t.load.noErrors,
  });
}

function connections(timeline: Timeline, at: number[], phases: Band[]): HTMLElement {
  const t = strings();
  const { traffic, took } = timeline;
  return timeChart({
    title: t.load.connections,
    at,
    bands: phases,
    unit: RATE,
    empty: t.nothingInTime,
    lines: [
      { label: t.load.opened, tone: "c", values: perSecond(traffic.opened, took) },
      { label: t.load.ended, tone: "b", values: perSecond(traffic.ended, took), dash: [6, 3] },
    ],
  });
}

const percentileLines = (figures: Percentiles): Line[] => {
  const t = strings();
  return [
    { label: t.latency.p50, tone: "a", values: figures.p50 },
    { label: t.latency.p90, tone: "c", values: figures.p90, dash: [6, 3] },
    { label: t.latency.p99, tone: "b", values: figures.p99 },
    { label: t.latency.max, tone: "quiet", values: figures.max, dash: [2, 3], width: 1.25 },
  ];
};

export function latency(timeline: Timeline): HTMLElement {
  const t = strings();
  const { latency: figures, intended, heat } = timeline;
  if (!figures) return section("latency", t.sections.latency, h("p", { class: "empty" }, t.latency.none));
  const at = ends(timeline);
  const lines = percentileLines(figures);
  if (intended)
    lines.push({ label: t.latency.intended, tone: "d", values: intended.p99, dash: [8, 3, 2, 3] });
  return section(
    "latency",
    t.sections.latency,
    h("p", { class: "quiet" }, t.latency.scale),
    timeChart({
      title: t.latency.over,
      at,
      bands: bands(timeline),
      unit: LATENCY,
      height: 260,
      lines,
      empty: t.latency.none,
    }),
    heatMap({
      title: t.latency.heat,
      at,
      took: timeline.took.map((took) => took / 1000),
      perDoubling: heat.per_doubling,
      columns: heat.columns,
      bands: [],
      lines: [
        { label: t.latency.p50, tone: "over", values: figures.p50, width: 1.5, dash: [5, 3] },
        { label: t.latency.p99, tone: "b", values: figures.p99, width: 1.5 },
      ],
    }),
  );
}

/** The charts of the generator's section. */
export function generatorCharts(timeline: Timeline): HTMLElement {
  const t = strings();
  const at = ends(timeline);
  const shared = { at, bands: bands(timeline), empty: t.generator.lagNone };
  const { lag, latency: figures } = timeline;
  const lines: Line[] = lag
    ? [
        { label: t.generator.lag50, tone: "d", values: lag.p50, dash: [2, 2] },
        { label: t.generator.lag99, tone: "d", values: lag.p99 },
        { label: t.generator.lagMax, tone: "quiet", values: lag.max, dash: [2, 3], width: 1.25 },
      ]
    : [];
  if (figures) lines.push({ label: t.generator.latency99, tone: "b", values: figures.p99, dash: [6, 3] });
  return h(
    "div",
    {},
    timeChart({ ...shared, title: t.generator.lagOver, unit: LATENCY, lines: lag ? lines : [] }),
    pair(
      timeChart({
        ...shared,
        title: t.generator.cpuOver,
        unit: SHARE,
        lines: [
          {
            label: t.generator.cpu,
            tone: "a",
            values: timeline.cpu.map((share) => share / 1000),
            fill: true,
          },
        ],
      }),
      timeChart({
        ...shared,
        title: t.generator.stalls,
        unit: { show: time },
        lines: [{ label: t.generator.stall, tone: "b", values: timeline.stall }],
      }),
    ),
  );
}

/** Rates of the pushes that came most often, and of the others together. */
export function pushRates(timeline: Timeline): HTMLElement {
  const t = strings();
  const { at, pushes } = timeline.messages;
  const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);
  const sorted = [...pushes].sort((a, b) => sum(b.count) - sum(a.count));
  const took = at.map(([, took]) => took);
  const lines: Line[] = sorted.slice(0, 5).map((push, place) => ({
    label: push.connection ? `${push.connection}/${push.name}` : push.name,
    tone: seriesTone(place),
    values: perSecond(push.count, took),
    ...(place % 2 === 1 ? { dash: [6, 3] } : {}),
  }));
  const others = sorted.slice(5);
  if (others.length > 0) {
    const together = at.map((_, place) => others.reduce((all, push) => all + (push.count[place] ?? 0), 0));
    lines.push({
      label: t.pushes.rest(others.length),
      tone: "quiet",
      values: perSecond(together, took),
      dash: [2, 2],
    });
  }
  return timeChart({
    title: t.pushes.over,
    at: at.map(([from, took]) => (from + took) / 1000),
    bands: bands(timeline),
    unit: RATE,
    lines,
    empty: t.pushes.none,
  });
}
