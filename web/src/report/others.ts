// The other tables: pushes, sends, work, checks and measures, connections.

import { type Bin, spark } from "../shared/distribution";
import { h, lookup, visible } from "../shared/dom";
import { bytes, percent, rate, time } from "../shared/format";
import { strings } from "../shared/strings";
import { type Column, table } from "../shared/table";
import { counts, spreads } from "./messages";
import type {
  Check,
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

/** The shape of a row's distribution, sorted by its tail. */
const shape = <R extends { histogram: Bin[] }>(tail: (row: R) => number | undefined): Column<R> => ({
  title: strings().columns.shape,
  value: tail,
  show: (row) => spark(row.histogram),
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
      keep: "pushes",
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
  const { columns: c, help, sections, sends: t } = strings();
  const perSecond = (send: Send) => send.count / Math.max(0.001, summary.duration_s);
  if (summary.sends.length === 0) return null;
  return section(
    "sends",
    sections.sends,
    table<Send>({
      caption: sections.sends,
      keep: "sends",
      rows: summary.sends,
      name: fullName,
      sort: 1,
      empty: t.none,
      columns: [
        named(c.name),
        counts(c.count, (row) => row.count),
        { title: c.rate, help: help.rate, value: perSecond, show: (row) => rate(perSecond(row)) },
        sized(c.bytes),
      ],
    }),
  );
}

export function work(summary: Summary): HTMLElement {
  const { columns: c, help, sections, work: t } = strings();
  const columns = (rows: Work[]): Column<Work>[] => [
    named(c.name),
    shape((row) => row.duration_us?.p99),
    counts(c.count, (row) => row.count),
    { ...counts<Work>(c.failed, (row) => row.failed), bad: (row) => row.failed > 0 },
    ...spreads<Work>((row) => row.duration_us, ["mean", "p50", "p90", "p99", "max"]),
    ...(rows.some((row) => row.intended_us)
      ? [{ ...timed<Work>(c.intended, (row) => row.intended_us?.p99), help: help.taskIntended }]
      : []),
  ];
  const kinds: [string, string, Work[]][] = [
    ["tasks", t.tasks, summary.tasks],
    ["sequences", t.sequences, summary.sequences],
    ["steps", t.steps, summary.steps],
    ["starts", t.starts, summary.starts],
  ];
  const tables = kinds
    .filter(([, , rows]) => rows.length > 0)
    .map(([keep, caption, rows]) =>
      h(
        "div",
        {},
        h("h3", {}, caption),
        table<Work>({ caption, keep, columns: columns(rows), rows, name: fullName, sort: 2, empty: t.none }),
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
      keep: "schedules",
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

function checkTable(caption: string, keep: string, rows: Check[]): HTMLElement {
  const { columns: c, checks: t } = strings();
  const columns: Column<Check>[] = [
    named(c.name),
    counts(c.passed, (row) => row.passed),
    { ...counts<Check>(c.failed, (row) => row.failed), bad: (row) => row.failed > 0 },
    {
      title: c.failedShare,
      value: (row) => row.failed / Math.max(1, row.passed + row.failed),
      show: (row) => (row.failed > 0 ? percent(row.failed / (row.passed + row.failed)) : null),
      bad: (row) => row.failed > 0,
    },
  ];
  const failed = (row: Check) => row.failed > 0;
  return table({ caption, keep, columns, rows, name: fullName, failed, sort: 2, empty: t.none });
}

export function checks(summary: Summary): HTMLElement | null {
  const { columns: c, help, sections, checks: t } = strings();
  const tables: HTMLElement[] = [];
  const add = (caption: string, content: HTMLElement) =>
    tables.push(h("div", {}, h("h3", {}, caption), content));
  if (summary.checks.length > 0) add(t.checks, checkTable(t.checks, "checks", summary.checks));
  if (summary.measures.length > 0) {
    const columns: Column<Measure>[] = [
      named(c.name),
      shape((row) => row.value_us?.p99),
      counts(c.count, (row) => row.count),
      ...spreads<Measure>((row) => row.value_us, ["mean", "p50", "p90", "p99", "max"]),
    ];
    const rows = summary.measures;
    add(
      t.measures,
      table({ caption: t.measures, keep: "measures", columns, rows, name: fullName, sort: 2, empty: t.none }),
    );
  }
  if (summary.counters.length > 0) {
    type Counter = Summary["counters"][number];
    const perSecond = (counter: Counter) => counter.value / Math.max(0.001, summary.duration_s);
    const columns: Column<Counter>[] = [
      named(c.name),
      counts(c.value, (row) => row.value),
      { title: c.rate, help: help.rate, value: perSecond, show: (row) => rate(perSecond(row)) },
    ];
    const rows = summary.counters;
    add(
      t.counters,
      table({ caption: t.counters, keep: "counters", columns, rows, name: fullName, sort: 1, empty: t.none }),
    );
  }
  measured(summary, add);
  return tables.length > 0 ? section("checks", sections.checks, ...tables) : null;
}

/** What a script measured of messages: order, delays, gaps, groups. */
function measured(summary: Summary, add: (caption: string, content: HTMLElement) => void): void {
  const { columns: c, checks: t, help } = strings();
  const { orders = [], delays = [], gaps = [], groups = [] } = summary;
  const show = <R extends { connection?: string; name: string; count: number }>(
    keep: string,
    caption: string,
    columns: Column<R>[],
    rows: R[],
  ) => {
    const sort = columns.findIndex((column) => column.title === c.count);
    if (rows.length > 0) {
      add(caption, table({ caption, keep, columns, rows, name: fullName, sort, empty: t.none }));
    }
  };
  show<Order>(
    "orders",
    t.orders,
    [
      named(c.name),
      counts(c.count, (row) => row.count),
      { ...counts<Order>(t.missing, (row) => row.missing, help.missing), bad: (row) => row.missing > 0 },
      counts(t.gapCount, (row) => row.gaps, help.gapCount),
      { ...counts<Order>(c.late, (row) => row.late, help.lateNumbers), bad: (row) => row.late > 0 },
      { ...counts<Order>(t.doubled, (row) => row.doubled, help.doubled), bad: (row) => row.doubled > 0 },
      counts(t.restarts, (row) => row.restarts, help.restarts),
    ],
    orders,
  );
  show<Delay>(
    "delays",
    t.delays,
    [
      named(c.name),
      shape((row) => row.delay_us?.p99),
      counts(c.count, (row) => row.count),
      ...spreads<Delay>((row) => row.delay_us, ["p50", "p90", "p99", "max"]),
      { ...timed<Delay>(t.fastest, (row) => row.fastest_at_most_us), help: help.fastest },
      { ...timed<Delay>(t.floor, (row) => row.floor_us?.p50), help: help.floor },
      { ...timed<Delay>(t.jitter, (row) => row.jitter_us?.p99), help: help.jitter },
      { ...counts<Delay>(t.clock, (row) => row.clock_set, help.clock), bad: (row) => row.clock_set > 0 },
    ],
    delays,
  );
  show<Gap>(
    "gaps",
    t.gaps,
    [
      named(c.name),
      shape((row) => row.gap_us?.p99),
      counts(c.count, (row) => row.count),
      ...spreads<Gap>((row) => row.gap_us, ["p50", "p90", "p99", "max"]),
    ],
    gaps,
  );
  if (groups.length > 0) add(t.groups, groupTable(groups));
}

function groupTable(groups: Group[]): HTMLElement {
  const { columns: c, checks: t } = strings();
  const requests = (group: Group) =>
    table<Request>({
      caption: visible(group.name),
      keep: `group/${group.name}`,
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
  const inside = (group: Group) =>
    h(
      "div",
      {},
      requests(group),
      group.checks.length > 0 &&
        checkTable(`${visible(group.name)}: ${t.checks}`, `group/${group.name}/checks`, group.checks),
    );
  return table<Group>({
    caption: t.groups,
    keep: "groups",
    rows: groups,
    name: fullName,
    sort: 2,
    empty: t.none,
    detail: inside,
    columns: [
      named(c.name),
      shape((row) => row.duration_us?.p99),
      counts(c.count, (row) => row.count),
      { ...counts<Group>(c.failed, (row) => row.failed), bad: (row) => row.failed > 0 },
      ...spreads<Group>((row) => row.duration_us, ["mean", "p50", "p90", "p99", "max"]),
    ],
  });
}

/** A column of one time, which a row may have none of. */
function timed<R>(title: string, value: (row: R) => number | undefined): Column<R> {
  const show = (row: R) => {
    const us = value(row);
    return us === undefined ? h("span", { class: "quiet" }, "–") : time(us);
  };
  return { title, value, show };
}

export function connections(summary: Summary): HTMLElement {
  const { columns: c, help, sections, connections: t } = strings();
  const causes = (row: Connection) => counted(row.ended, (cause) => lookup(t.causes, cause) ?? cause);
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
    { title: c.ended, text: true, value: causes },
  ];
  return section(
    "connections",
    sections.connections,
    table({
      caption: sections.connections,
      keep: "connections",
      columns,
      rows: summary.connections,
      name: fullName,
      sort: 1,
      empty: t.none,
    }),
  );
}
