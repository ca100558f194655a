// The other tables: pushes, sends, work, checks and measures, connections.

import { spark } from "../shared/distribution";
import { h, visible } from "../shared/dom";
import { bytes, percent, rate, time, whole } from "../shared/format";
import { strings } from "../shared/strings";
import { type Column, table } from "../shared/table";
import { counts, spreads } from "./messages";
import type {
  Connection,
  Delay,
  Figures,
  Gap,
  Group,
  Measure,
  Order,
  Push,
  Request,
  Schedule,
  Send,
  Summary,
  Work,
} from "./model";
import { pushRates } from "./over-time";
import { counted, fullName, nameOf, section } from "./sections";

const named = <R extends { connection?: string; name: string }>(title: string): Column<R> => ({
  title,
  text: true,
  value: fullName,
  show: nameOf,
});

const sized = <R extends { bytes: number }>(title: string): Column<R> => ({
  title,
  value: (row) => row.bytes,
  show: (row) => bytes(row.bytes),
});

export function pushes(figures: Figures): HTMLElement {
  const { columns: c, help, sections, pushes: t } = strings();
  const rows = figures.summary.pushes;
  if (rows.length === 0) return section("pushes", sections.pushes, h("p", { class: "empty" }, t.none));
  return section(
    "pushes",
    sections.pushes,
    pushRates(figures.timeline),
    table<Push>({
      caption: sections.pushes,
      rows,
      name: fullName,
      sort: 1,
      empty: t.none,
      columns: [
        named(c.name),
        counts(c.count, (row) => row.count),
        {
          title: c.rate,
          help: help.rate,
          value: (row) => row.rate_per_s,
          show: (row) => rate(row.rate_per_s ?? 0),
        },
        sized(c.bytes),
        counts(c.handled, (row) => row.handled, help.handled),
      ],
    }),
  );
}

export function sends(summary: Summary): HTMLElement | null {
  const { columns: c, sections, sends: t } = strings();
  if (summary.sends.length === 0) return null;
  return section(
    "sends",
    sections.sends,
    table<Send>({
      caption: sections.sends,
      rows: summary.sends,
      name: fullName,
      sort: 1,
      empty: t.none,
      columns: [named(c.name), counts(c.count, (row) => row.count), sized(c.bytes)],
    }),
  );
}

export function work(summary: Summary): HTMLElement {
  const { columns: c, sections, work: t } = strings();
  const columns: Column<Work>[] = [
    named(c.name),
    counts(c.count, (row) => row.count),
    { ...counts<Work>(c.failed, (row) => row.failed), bad: (row) => row.failed > 0 },
    ...spreads<Work>((row) => row.duration_us, ["mean", "p50", "p90", "p99", "max"]),
    { title: c.shape, value: (row) => row.duration_us?.p99, show: (row) => spark(row.histogram) },
  ];
  const kinds: [string, Work[]][] = [
    [t.tasks, summary.tasks],
    [t.sequences, summary.sequences],
    [t.steps, summary.steps],
    [t.starts, summary.starts],
  ];
  const tables = kinds
    .filter(([, rows]) => rows.length > 0)
    .map(([caption, rows]) =>
      h(
        "div",
        {},
        h("h3", {}, caption),
        table<Work>({ caption, columns, rows, name: fullName, sort: 1, empty: t.none }),
      ),
    );
  const schedules = summary.schedules ?? [];
  if (schedules.length > 0) {
    const kept: Column<Schedule>[] = [
      named(c.name),
      counts(t.due, (row) => row.due),
      counts(t.begun, (row) => row.begun),
      { ...counts<Schedule>(t.missed, (row) => row.missed), bad: (row) => row.missed > 0 },
    ];
    const shown = table({
      caption: t.schedules,
      columns: kept,
      rows: schedules,
      name: fullName,
      sort: 1,
      empty: t.none,
    });
    tables.push(h("div", {}, h("h3", {}, t.schedules), shown));
  }
  const nothing = h("p", { class: "empty" }, t.none);
  if (tables.length === 0) return section("work", sections.work, nothing);
  return section("work", sections.work, h("p", { class: "quiet" }, t.hint), ...tables);
}

export function checks(summary: Summary): HTMLElement | null {
  const { columns: c, sections, checks: t } = strings();
  const tables: HTMLElement[] = [];
  const add = (caption: string, content: HTMLElement) =>
    tables.push(h("div", {}, h("h3", {}, caption), content));
  if (summary.checks.length > 0) {
    type Check = Summary["checks"][number];
    const columns: Column<Check>[] = [
      named(c.name),
      counts(c.passed, (row) => row.passed),
      { ...counts<Check>(c.failed, (row) => row.failed), bad: (row) => row.failed > 0 },
      {
        title: c.failedShare,
        value: (row) => row.failed / Math.max(1, row.passed + row.failed),
        show: (row) => percent(row.failed / Math.max(1, row.passed + row.failed)),
      },
    ];
    add(
      t.checks,
      table({ caption: t.checks, columns, rows: summary.checks, name: fullName, sort: 2, empty: t.none }),
    );
  }
  if (summary.measures.length > 0) {
    const columns: Column<Measure>[] = [
      named(c.name),
      counts(c.count, (row) => row.count),
      ...spreads<Measure>((row) => row.value_us, ["mean", "p50", "p90", "p99", "max"]),
      { title: c.shape, value: (row) => row.value_us?.p99, show: (row) => spark(row.histogram) },
    ];
    add(
      t.measures,
      table({ caption: t.measures, columns, rows: summary.measures, name: fullName, sort: 1, empty: t.none }),
    );
  }
  if (summary.counters.length > 0) {
    type Counter = Summary["counters"][number];
    const columns: Column<Counter>[] = [named(c.name), counts(c.value, (row) => row.value)];
    add(
      t.counters,
      table({ caption: t.counters, columns, rows: summary.counters, name: fullName, sort: 1, empty: t.none }),
    );
  }
  measured(summary, add);
  return tables.length > 0 ? section("checks", sections.checks, ...tables) : null;
}

/** What a script measured of messages: order, delays, gaps, groups. */
function measured(summary: Summary, add: (caption: string, content: HTMLElement) => void): void {
  const { columns: c, checks: t } = strings();
  const { orders = [], delays = [], gaps = [], groups = [] } = summary;
  const show = <R extends { connection?: string; name: string }>(
    caption: string,
    columns: Column<R>[],
    rows: R[],
  ) => {
    if (rows.length > 0)
      add(caption, table({ caption, columns, rows, name: fullName, sort: 1, empty: t.none }));
  };
  show<Order>(
    t.orders,
    [
      named(c.name),
      counts(c.count, (row) => row.count),
      { ...counts<Order>(t.missing, (row) => row.missing), bad: (row) => row.missing > 0 },
      counts(t.gapCount, (row) => row.gaps),
      counts(c.late, (row) => row.late),
      counts(t.doubled, (row) => row.doubled),
    ],
    orders,
  );
  show<Delay>(
    t.delays,
    [
      named(c.name),
      counts(c.count, (row) => row.count),
      ...spreads<Delay>((row) => row.delay_us, ["p50", "p90", "p99", "max"]),
      {
        title: t.fastest,
        value: (row) => row.fastest_at_most_us,
        show: (row) => maybe(row.fastest_at_most_us),
      },
      { title: t.jitter, value: (row) => row.jitter_us?.p99, show: (row) => maybe(row.jitter_us?.p99) },
      counts(t.clock, (row) => row.clock_set),
    ],
    delays,
  );
  show<Gap>(
    t.gaps,
    [
      named(c.name),
      counts(c.count, (row) => row.count),
      ...spreads<Gap>((row) => row.gap_us, ["p50", "p90", "p99", "max"]),
    ],
    gaps,
  );
  if (groups.length > 0) add(t.groups, groupTable(groups));
}

function groupTable(groups: Group[]): HTMLElement {
  const { columns: c, checks: t } = strings();
  const inside = (group: Group) =>
    table<Request>({
      caption: visible(group.name),
      rows: group.requests,
      name: fullName,
      sort: 1,
      empty: t.none,
      columns: [
        named(c.name),
        counts(c.ok, (row) => row.ok),
        { ...counts<Request>(c.failed, (row) => row.failures), bad: (row) => row.failures > 0 },
        ...spreads<Request>((row) => row.latency_us, ["p50", "p90", "p99", "max"]),
      ],
    });
  return table<Group>({
    caption: t.groups,
    rows: groups,
    name: fullName,
    sort: 1,
    empty: t.none,
    detail: inside,
    columns: [
      named(c.name),
      counts(c.count, (row) => row.count),
      { ...counts<Group>(c.failed, (row) => row.failed), bad: (row) => row.failed > 0 },
      ...spreads<Group>((row) => row.duration_us, ["mean", "p50", "p90", "p99", "max"]),
      { title: c.shape, value: (row) => row.duration_us?.p99, show: (row) => spark(row.histogram) },
    ],
  });
}

const maybe = (us: number | undefined): string | null => (us === undefined ? null : time(us));

/** A column of one time, which a row may have none of. */
function timed<R>(title: string, value: (row: R) => number | undefined): Column<R> {
  const show = (row: R) => maybe(value(row)) ?? h("span", { class: "quiet" }, "–");
  return { title, value, show };
}

export function connections(summary: Summary): HTMLElement {
  const { columns: c, help, sections, connections: t } = strings();
  const causes = (row: Connection) => counted(row.ended, (cause) => t.causes[cause] ?? cause);
  const columns: Column<Connection>[] = [
    named(c.name),
    counts(c.attempts, (row) => row.attempts),
    counts(c.opened, (row) => row.opened),
    { ...counts<Connection>(c.failed, (row) => row.failed), bad: (row) => row.failed > 0 },
    counts(c.open, (row) => row.open),
    counts(c.orphans, (row) => row.orphans, help.orphans),
    timed(c.connect50, (row) => row.connect_us?.p50),
    timed(c.connect99, (row) => row.connect_us?.p99),
    counts(c.reconnects, (row) => row.reconnects),
    { ...timed<Connection>(c.lifetime, (row) => row.lifetime_us?.p50), help: help.lifetime },
    { title: c.ended, text: true, value: (row) => whole(row.opened), show: causes },
  ];
  return section(
    "connections",
    sections.connections,
    table({
      caption: sections.connections,
      columns,
      rows: summary.connections,
      name: fullName,
      sort: 1,
      empty: t.none,
    }),
  );
}
