// The other tables: pushes, sends, work, checks and measures, connections.

import { spark } from "../shared/distribution";
import { h } from "../shared/dom";
import { bytes, percent, rate, whole } from "../shared/format";
import { strings } from "../shared/strings";
import { type Column, table } from "../shared/table";
import { counts, spreads } from "./messages";
import type { Connection, Figures, Measure, Push, Send, Summary, Work } from "./model";
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
  return tables.length > 0 ? section("checks", sections.checks, ...tables) : null;
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
    ...spreads<Connection>((row) => row.connect_us, ["p50", "p99", "max"]),
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
