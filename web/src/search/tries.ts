// The tries in their order, each of which opens to its requests.

import { h, visible } from "../shared/dom";
import { bytes, percent, rate, time, whole } from "../shared/format";
import { fullName, nameOf, section } from "../shared/frame";
import { type Column, table } from "../shared/table";
import type { Condition, Request, Search, Try } from "./model";
import { bare, loadOf, texts } from "./texts";

export function tries(search: Search): HTMLElement {
  const t = texts();
  const c = t.columns;
  const numbered = search.tries.map((tried, at) => ({ ...tried, number: at + 1 }));
  type Row = (typeof numbered)[number];
  const asked = search.tries[0]?.conditions ?? [];
  const columns: Column<Row>[] = [
    { title: c.number, value: (row) => row.number },
    { title: t.load, value: (row) => row.load, show: (row) => bare(row.load) },
    { title: c.result, text: true, value: (row) => row.result, show: result },
    ...asked.map((condition, at) => ({
      title: `${visible(condition.key)} ${visible(condition.condition)}`,
      value: (row: Row) => row.conditions[at]?.value,
      show: (row: Row) => shown(row.conditions[at]),
      bad: (row: Row) => row.conditions[at]?.passed === false,
    })),
    { title: c.replies, value: (row) => row.replies_per_s, show: (row) => rate(row.replies_per_s) },
    timed(c.median, (row) => row.latency_us?.p50),
    timed(c.p99, (row) => row.latency_us?.p99),
    {
      title: c.errors,
      value: (row) => row.errors?.count,
      show: (row) => whole(row.errors?.count ?? 0),
    },
    timed(c.lag, (row) => row.lag_p99_us),
    { title: c.run, value: (row) => row.run, show: (row) => (row.run === undefined ? null : `#${row.run}`) },
  ];
  const detail = (row: Row) => requests(row, search.of);
  return section(
    "tries",
    t.sections.tries,
    table({ caption: t.sections.tries, columns, rows: numbered, detail, empty: t.noTries }),
  );
}

function timed<R>(title: string, figure: (row: R) => number | undefined): Column<R> {
  const show = (row: R) => {
    const value = figure(row);
    return value === undefined ? null : time(value);
  };
  return { title, value: figure, show };
}

function result(tried: Try): HTMLElement {
  const t = texts();
  const text = `${t.results[tried.result]}${tried.again ? ` · ${t.again}` : ""}`;
  const why = tried.why !== undefined && h("div", { class: "why" }, visible(tried.why));
  return h("div", {}, h("span", { class: `result-${tried.result}` }, text), why);
}

/** A figure in its unit; in the program's own words where there is none. */
export function shown(condition: Condition | undefined): string {
  if (condition?.value === undefined) return visible(condition?.actual ?? "–");
  switch (condition.unit) {
    case "us":
      return time(condition.value);
    case "share":
      return percent(condition.value);
    case "per_second":
      return `${rate(condition.value)}/s`;
    case "bytes":
      return bytes(condition.value);
    default:
      return visible(condition.actual);
  }
}

function requests(tried: Try, of: string): HTMLElement {
  const t = texts();
  const c = t.columns;
  const columns: Column<Request>[] = [
    { title: c.request, text: true, value: fullName, show: nameOf },
    { title: c.answered, value: (row) => row.ok, show: (row) => whole(row.ok) },
    {
      title: c.failed,
      value: (row) => row.failures,
      show: (row) => whole(row.failures),
      bad: (row) => row.failures > 0,
    },
    { title: c.replies, value: (row) => row.rate_per_s, show: (row) => rate(row.rate_per_s ?? 0) },
    timed(c.median, (row) => row.latency_us?.p50),
    timed(c.p99, (row) => row.latency_us?.p99),
    timed(c.intended, (row) => row.intended_us?.p99),
  ];
  const caption = t.requests(loadOf(tried.load, of));
  return table({ caption, columns, rows: tried.requests, name: fullName, empty: t.noRequests });
}
