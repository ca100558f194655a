// Requests: a table of all, and each one's own charts when its row is opened.

import { phaseName, timeChart } from "../shared/chart";
import { distribution, spark } from "../shared/distribution";
import { h, visible } from "../shared/dom";
import { percent, rate, time, whole } from "../shared/format";
import { heatMap } from "../shared/heatmap";
import { strings } from "../shared/strings";
import { type Column, table } from "../shared/table";
import {
  type Figures,
  type MessageTimeline,
  type Phase,
  type PhaseRequest,
  type Request,
  type Spread,
  unshade,
} from "./model";
import { counted, fullName, kindName, nameOf, pair, section } from "./sections";
import { bands, perSecond } from "./time";

/** A column of whole numbers, zeroes in a quiet tone. */
export function counts<R>(title: string, value: (row: R) => number, help?: string): Column<R> {
  return {
    title,
    value,
    show: (row) => (value(row) === 0 ? h("span", { class: "quiet" }, "0") : whole(value(row))),
    ...(help ? { help } : {}),
  };
}

/** Columns of a distribution's figures; `title` says of what they are where that is not the table's subject. */
export function spreads<R>(
  of: (row: R) => Spread | undefined,
  names: (keyof Spread)[],
  { title = "", help }: { title?: string; help?: string } = {},
): Column<R>[] {
  const titles = strings().columns;
  return names.map((name) => ({
    title: title ? `${title} ${titles[name]}` : titles[name],
    ...(help ? { help } : {}),
    value: (row) => of(row)?.[name],
    show: (row) => {
      const spread = of(row);
      return spread ? time(spread[name]) : h("span", { class: "quiet" }, "–");
    },
  }));
}

export function messages(figures: Figures): HTMLElement {
  const t = strings();
  const { requests } = figures.summary;
  const { columns: c, help } = t;
  const any = (value: (row: Request) => number) => requests.some((row) => value(row) > 0);
  const seldom = (
    [
      [c.cancelled, (row) => row.cancelled, help.cancelled],
      [c.in_flight, (row) => row.in_flight, help.in_flight],
      [c.late, (row) => row.late, help.late],
      [c.duplicate, (row) => row.duplicate, help.duplicate],
      [c.ambiguous, (row) => row.ambiguous, help.ambiguous],
    ] satisfies [string, (row: Request) => number, string][]
  ).filter(([, value]) => any(value));
  const failed: Column<Request> = {
    ...counts<Request>(c.failed, (row) => row.failures),
    bad: (row) => row.failures > 0,
  };
  const failedShare: Column<Request> = {
    title: c.failedShare,
    value: (row) => (row.count > 0 ? row.failures / row.count : null),
    show: (row) => (row.count > 0 && row.failures > 0 ? percent(row.failures / row.count) : null),
    bad: (row) => row.failures > 0,
  };
  const columns: Column<Request>[] = [
    { title: c.name, text: true, value: fullName, show: nameOf },
    { title: c.shape, value: (row) => row.latency_us?.p99, show: (row) => spark(row.histogram) },
    counts(c.count, (row) => row.count, help.count),
    counts(c.ok, (row) => row.ok),
    failed,
    ...(any((row) => row.failures) ? [failedShare] : []),
    ...seldom.map(([title, value, text]) => counts(title, value, text)),
    {
      title: c.rate,
      help: help.rate,
      value: (row) => row.rate_per_s,
      show: (row) => rate(row.rate_per_s ?? 0),
    },
    ...spreads<Request>((row) => row.latency_us, ["mean", "p50", "p90", "p99", "p999", "max"]),
  ];
  if (requests.some((row) => row.intended_us)) {
    columns.push({
      title: c.intended,
      help: help.intended,
      value: (row) => row.intended_us?.p99,
      show: (row) => (row.intended_us ? time(row.intended_us.p99) : null),
    });
  }
  columns.push({
    title: c.generator,
    help: help.generator,
    value: (row) => row.generator_share,
    show: (row) => (row.generator_share === undefined ? null : percent(row.generator_share)),
  });
  const timelines = new Map(figures.timeline.messages.requests.map((one) => [keyOf(one), one]));
  return section(
    "messages",
    t.sections.messages,
    requests.length > 0 && h("p", { class: "quiet screen" }, t.messages.hint),
    table({
      caption: t.sections.messages,
      keep: "requests",
      columns,
      rows: requests,
      name: fullName,
      failed: (row) => row.failures > 0,
      sort: 2,
      empty: t.messages.none,
      detail: (row) => detail(row, figures, timelines.get(keyOf(row))),
    }),
  );
}

const keyOf = (row: { connection: string; name: string }): string =>
  JSON.stringify([row.connection, row.name]);

function detail(row: Request, figures: Figures, timeline: MessageTimeline | undefined): HTMLElement {
  const t = strings();
  const { columns: c } = t;
  const parts: [string, number][] = [
    [c.ok, row.ok],
    [c.failed, row.failures],
    [c.cancelled, row.cancelled],
    [c.in_flight, row.in_flight],
  ];
  const books = `${whole(row.count)} = ${parts.map(([name, count]) => `${whole(count)} ${name}`).join(" + ")}`;
  const spread = row.latency_us;
  const marks = spread
    ? [
        { label: "p50", us: spread.p50 },
        { label: "p90", us: spread.p90 },
        { label: "p99", us: spread.p99 },
      ]
    : [];
  return h(
    "div",
    { class: "message" },
    h(
      "dl",
      { class: "facts" },
      h("div", {}, h("dt", {}, t.message.books), h("dd", {}, books)),
      row.failures > 0 &&
        h("div", {}, h("dt", {}, t.message.failedBy), h("dd", {}, counted(row.failures_by_kind, kindName))),
    ),
    timeline ? charts(timeline, figures) : null,
    inPhases(row, figures.summary.phases ?? []),
    distribution(t.message.distribution, row.histogram, spread?.min ?? 1, marks),
  );
}

/** The figures of one message in each phase, where there are several. */
function inPhases(row: Request, phases: Phase[]): HTMLElement | null {
  const { columns: c, message: t, plan } = strings();
  if (phases.length < 2) return null;
  type Part = { phase: Phase; part: PhaseRequest };
  const parts = phases.flatMap((phase): Part[] => {
    const part = phase.requests.find((one) => keyOf(one) === keyOf(row));
    return part ? [{ phase, part }] : [];
  });
  return h(
    "div",
    {},
    h("p", { class: "chart-title" }, t.inPhases),
    table<Part>({
      caption: t.inPhases,
      rows: parts,
      empty: t.none,
      columns: [
        { title: plan.phase, text: true, value: ({ phase }) => phaseName(phase.name) },
        counts(c.ok, ({ part }) => part.ok),
        { ...counts<Part>(c.failed, ({ part }) => part.failures), bad: ({ part }) => part.failures > 0 },
        {
          title: c.rate,
          value: ({ part }) => part.rate_per_s,
          show: ({ part }) => rate(part.rate_per_s ?? 0),
        },
        ...spreads<Part>(({ part }) => part.latency_us, ["mean", "p50", "p90", "p99", "p999", "max"]),
      ],
    }),
  );
}

function charts(message: MessageTimeline, figures: Figures): HTMLElement {
  const t = strings();
  const { at: places, per_doubling } = figures.timeline.messages;
  const at = places.map(([from, took]) => (from + took) / 1000);
  const took = places.map(([, took]) => took);
  const seconds = took.map((ms) => ms / 1000);
  const phases = bands(figures.timeline);
  const failed = message.failed ? perSecond(message.failed, took) : [];
  return h(
    "div",
    {},
    pair(
      timeChart({
        title: t.message.rate,
        at,
        took: seconds,
        bands: phases,
        unit: { show: rate },
        empty: t.nothingInTime,
        lines: [
          { label: t.message.replies, tone: "a", values: perSecond(message.ok, took) },
          { label: t.message.failures, tone: "bad", values: failed, dash: [6, 3] },
        ],
      }),
      timeChart({
        title: t.message.latency,
        at,
        took: seconds,
        bands: phases,
        unit: { show: time, log: true },
        empty: t.message.none,
        lines: [
          { label: t.latency.p50, tone: "a", values: message.p50 },
          { label: t.latency.p99, tone: "b", values: message.p99 },
          { label: t.latency.intended, tone: "d", values: message.intended ?? [], dash: [8, 3, 2, 3] },
        ],
      }),
    ),
    heatMap({
      title: t.message.heatOf(visible(message.name)),
      at,
      took: seconds,
      perDoubling: per_doubling,
      columns: message.heat.map(([first, letters]) => [first, unshade(letters)]),
      bands: [],
      height: 220,
      lines: [
        { label: t.latency.p50, tone: "over", values: message.p50, width: 1.5, dash: [5, 3] },
        { label: t.latency.p99, tone: "b", values: message.p99, width: 1.5 },
      ],
    }),
  );
}
