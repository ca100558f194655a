// What went wrong, how well the generator did, and on what the run was played.

import { h, lookup, visible } from "../shared/dom";
import { bytes, percent, time, whole } from "../shared/format";
import { strings } from "../shared/strings";
import { table } from "../shared/table";
import { limits } from "./head";
import { spreads } from "./messages";
import type { Failure, Figures, Spread, Summary } from "./model";
import { generatorCharts } from "./over-time";
import { kindName, section } from "./sections";

/** Groups after this many are folded away at first. */
const OPEN = 3;
/** Groups that a reader opened or closed, by their names on the page. */
const opened = new Map<string, boolean>();

export function errors(summary: Summary): HTMLElement {
  const { sections, errors: t } = strings();
  const { failures, script_errors: scripts } = summary;
  if (failures.length === 0 && scripts.length === 0) {
    return section("errors", sections.errors, h("p", { class: "empty" }, t.none));
  }
  const count = failures.reduce((sum, failure) => sum + failure.count, 0);
  const groups = failures.map((failure, at) => group(failure, `failure ${at}`, at < OPEN));
  return section(
    "errors",
    sections.errors,
    failures.length > 0 && h("p", { class: "quiet" }, t.groups(failures.length, count)),
    ...groups,
    scripts.length > 0 && h("h3", {}, t.scripts),
    ...scripts.map((error, at) =>
      folded(
        `script ${at}`,
        false,
        h(
          "summary",
          {},
          h("span", { class: "times num" }, t.times(error.count)),
          h("span", { class: "message", dir: "auto" }, visible(error.message)),
        ),
        h("pre", { dir: "auto" }, visible(error.traceback)),
      ),
    ),
  );
}

/** What a click opens; it stays as it is when the page is drawn anew. */
function folded(keep: string, open: boolean, ...children: Node[]): HTMLElement {
  const details = h("details", { class: "error", open: opened.get(keep) ?? open }, ...children);
  details.addEventListener("toggle", () => opened.set(keep, details.open));
  return details;
}

function group(failure: Failure, keep: string, open: boolean): HTMLElement {
  const { errors: t } = strings();
  const line = [
    h("span", { class: "times num" }, t.times(failure.count)),
    h("span", { class: "kind" }, kindName(failure.kind)),
    h("span", { class: "name", dir: "auto" }, visible(failure.name)),
    h("span", { class: "message", dir: "auto" }, visible(failure.message)),
  ];
  if (!failure.sample) return h("div", { class: "error plain" }, ...line);
  return folded(
    keep,
    open,
    h("summary", {}, ...line),
    h("p", { class: "quiet" }, t.sample),
    h("pre", { dir: "auto" }, visible(failure.sample)),
  );
}

export function generator(figures: Figures): HTMLElement {
  const { sections, generator: t, columns: c, limited, limitedMeans } = strings();
  const own = figures.summary.generator;
  const state = own.limited
    ? h(
        "div",
        { class: "notice" },
        h("strong", {}, limited),
        h("p", {}, limitedMeans),
        ...limits(own).map((why) => h("p", { class: "quiet" }, why)),
      )
    : h("p", {}, h("span", { class: "good", "aria-hidden": "true" }, "✓ "), t.fine);
  const facts: [string, string | null][] = [
    [t.longest, time(own.longest_stall_us)],
    [t.share, own.share_of_latency === undefined ? null : percent(own.share_of_latency)],
    [t.cpuShare, own.cpu_share === undefined ? null : percent(own.cpu_share)],
    [t.cpu90, own.cpu_share_p90 === undefined ? null : percent(own.cpu_share_p90)],
    [t.busiest, own.busiest_cpu_share === undefined ? null : percent(own.busiest_cpu_share)],
  ];
  type Lag = { name: string; lag: Spread };
  const rows: Lag[] = Object.entries(own.lag_by_source).map(([source, lag]) => ({
    name: lookup(t.sources, source) ?? source,
    lag,
  }));
  if (own.lag_us) rows.unshift({ name: t.all, lag: own.lag_us });
  return section(
    "generator",
    sections.generator,
    h("p", { class: "quiet" }, t.help),
    state,
    h(
      "dl",
      { class: "facts" },
      ...facts.map(
        ([name, value]) => value && h("div", {}, h("dt", {}, name), h("dd", { class: "num" }, value)),
      ),
    ),
    generatorCharts(figures.timeline),
    table<Lag>({
      caption: sections.generator,
      keep: "lag",
      rows,
      empty: t.lagNone,
      columns: [
        { title: c.source, text: true, value: (row) => row.name },
        ...spreads<Lag>((row) => row.lag, ["mean", "p50", "p90", "p99", "p999", "max"]),
      ],
    }),
  );
}

export function environment(figures: Figures): HTMLElement {
  const { sections, environment: t } = strings();
  const { summary, seed } = figures;
  const found = summary.environment ?? {};
  const facts: [string, string | undefined | null][] = [
    [t.project, summary.project],
    [t.target, summary.target],
    [t.version, found.version],
    [t.seed, seed],
    [t.host, found.host],
    [t.system, found.system],
    [t.processor, found.processor],
    [t.cores, found.cores?.toString()],
    [t.memory, found.memory_bytes === undefined ? undefined : bytes(found.memory_bytes)],
    [t.shards, found.shards === undefined ? undefined : whole(found.shards)],
  ];
  const settings = found.settings ?? [];
  const list = settings.length
    ? table<{ key: string; value: string }>({
        caption: t.settings,
        keep: "settings",
        rows: settings,
        name: (row) => row.key,
        empty: t.noSettings,
        columns: [
          {
            title: t.setting,
            text: true,
            value: (row) => row.key,
            show: (row) => h("code", {}, visible(row.key)),
          },
          {
            title: t.value,
            text: true,
            value: (row) => row.value,
            show: (row) => h("code", {}, visible(row.value)),
          },
        ],
      })
    : h("p", { class: "empty" }, t.noSettings);
  return section(
    "environment",
    sections.environment,
    h(
      "dl",
      { class: "facts" },
      ...facts.map(([name, value]) => value && h("div", {}, h("dt", {}, name), h("dd", {}, visible(value)))),
    ),
    h("h3", {}, t.settings),
    settings.length > 0 && h("p", { class: "quiet" }, t.secret),
    list,
  );
}
