// What happened when: robots, messages, bytes, connections, errors; latencies; the generator's own part.

import { type ChartSpec, type Line, timeChart, type Unit } from "../shared/chart";
import { seriesTone, type Tone } from "../shared/colours";
import { h } from "../shared/dom";
import { bytes, percent, rate, time, whole } from "../shared/format";
import { heatMap } from "../shared/heatmap";
import { strings } from "../shared/strings";
import type { Figures, Percentiles, Summary, Timeline } from "./model";
import { fullName, kindName, pair, section } from "./sections";
import { bands, ends, lengths, perSecond } from "./time";

const RATE: Unit = { show: rate };
const BYTES: Unit = { show: bytes };
const WHOLE: Unit = { show: whole, whole: true };
const LATENCY: Unit = { show: time, log: true };
const SHARE: Unit = { show: percent };

/** Colours of the most frequent kinds of errors, which lie on top of each other; more kinds are one. */
const KINDS: Tone[] = ["bad", "s1", "s2", "s3", "s4"];

/** What all charts of the whole run share. */
const whenever = (timeline: Timeline): Pick<ChartSpec, "at" | "took" | "bands" | "empty"> => ({
  at: ends(timeline),
  took: lengths(timeline),
  bands: bands(timeline),
  empty: strings().nothingInTime,
});

const sum = (counts: number[]): number => counts.reduce((a, b) => a + b, 0);

export function load({ summary, timeline }: Figures): HTMLElement {
  const t = strings();
  const { robots, traffic, took } = timeline;
  const shared = whenever(timeline);
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
      keep: "robots",
      title: t.load.robots,
      unit: WHOLE,
      lines: [
        // A plan of arrivals wants no number of robots, but for none at its end.
        ...(robots.wanted.some((wanted) => (wanted ?? 0) > 0)
          ? [{ label: t.load.planned, tone: "quiet" as Tone, values: robots.wanted, dash: [6, 4] }]
          : []),
        { label: t.load.alive, tone: "a", values: alive },
        { label: t.load.ready, tone: "c", values: robots.ready, fill: true },
        ...(robots.failed.some((count) => count > 0)
          ? [{ label: t.load.failed, tone: "bad" as Tone, values: robots.failed, dash: [2, 2] }]
          : []),
      ],
    }),
    ofOneRobot(summary),
    pair(
      timeChart({
        ...shared,
        keep: "messages",
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
        keep: "bytes",
        title: t.load.bytes,
        unit: BYTES,
        lines: [rates("bytes_sent", t.load.sent, "a"), rates("bytes_received", t.load.received, "b")],
      }),
    ),
    pair(
      timeChart({
        ...shared,
        title: t.load.open,
        unit: WHOLE,
        lines: [{ label: t.load.opens, tone: "a", values: robots.open, fill: true }],
      }),
      connections(timeline),
    ),
    errorRates(timeline),
  );
}

/** How many messages a robot had: a few that starve do not show in a sum. */
function ofOneRobot(summary: Summary): HTMLElement | null {
  const { load: t } = strings();
  const rates = summary.robots.rate_per_s;
  if (!rates || rates.max <= 0) return null;
  const [low, middle, high] = [rates.p5, rates.p50, rates.p95].map((one) => `${rate(one)}/s`);
  return h("p", { class: "quiet" }, t.ofOne(middle ?? "", low ?? "", high ?? ""));
}

function errorRates(timeline: Timeline): HTMLElement {
  const t = strings();
  const kinds = Object.entries(timeline.errors).sort((a, b) => sum(b[1]) - sum(a[1]));
  const lines = kinds.slice(0, KINDS.length).map(
    ([kind, counts], place): Line => ({
      label: kindName(kind),
      tone: KINDS[place] ?? "rest",
      values: perSecond(counts, timeline.took),
    }),
  );
  const others = kinds.slice(KINDS.length).map(([, counts]) => counts);
  if (others.length > 0) {
    lines.push({
      label: t.rest(others.length),
      tone: "rest",
      values: perSecond(together(others), timeline.took),
    });
  }
  return timeChart({
    ...whenever(timeline),
    keep: "errors",
    title: t.load.errors,
    unit: RATE,
    stacked: true,
    lines,
    empty: t.load.noErrors,
  });
}

/** The sum of several columns. */
const together = (columns: number[][]): number[] =>
  (columns[0] ?? []).map((_, place) => sum(columns.map((column) => column[place] ?? 0)));

function connections(timeline: Timeline): HTMLElement {
  const t = strings();
  const { traffic, took } = timeline;
  return timeChart({
    ...whenever(timeline),
    keep: "connections",
    title: t.load.connections,
    unit: RATE,
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
  const shared = whenever(timeline);
  const lines = percentileLines(figures);
  if (intended)
    lines.push({ label: t.latency.intended, tone: "d", values: intended.p99, dash: [8, 3, 2, 3] });
  return section(
    "latency",
    t.sections.latency,
    h("p", { class: "quiet" }, t.latency.scale),
    timeChart({
      ...shared,
      keep: "latency",
      title: t.latency.over,
      unit: LATENCY,
      height: 260,
      lines,
      empty: t.latency.none,
    }),
    heatMap({
      keep: "heat",
      title: t.latency.heat,
      at: shared.at,
      took: lengths(timeline),
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
  const shared = { ...whenever(timeline), empty: t.generator.lagNone };
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
    timeChart({ ...shared, keep: "lag", title: t.generator.lagOver, unit: LATENCY, lines: lag ? lines : [] }),
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
  const sorted = [...pushes].sort((a, b) => sum(b.count) - sum(a.count));
  const took = at.map(([, took]) => took);
  const lines: Line[] = sorted.slice(0, 5).map((push, place) => ({
    label: fullName(push),
    tone: seriesTone(place),
    values: perSecond(push.count, took),
    ...(place % 2 === 1 ? { dash: [6, 3] } : {}),
  }));
  const others = sorted.slice(5).map((push) => push.count);
  if (others.length > 0) {
    lines.push({
      label: t.rest(others.length),
      tone: "quiet",
      values: perSecond(together(others), took),
      dash: [2, 2],
    });
  }
  return timeChart({
    title: t.pushes.over,
    keep: "pushes",
    at: at.map(([from, took]) => (from + took) / 1000),
    took: took.map((ms) => ms / 1000),
    bands: bands(timeline),
    unit: RATE,
    lines,
    empty: t.pushes.none,
  });
}
