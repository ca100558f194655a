// The curve: load against what was judged, the replies and the latencies.

import { type Across, type ChartSpec, type Line, timeChart, type Unit } from "../shared/chart";
import { seriesTone } from "../shared/colours";
import { visible } from "../shared/dom";
import { bytes, percent, rate, time } from "../shared/format";
import { fullName, pair, section } from "../shared/frame";
import { drawKnee, drawTries, marksKey } from "./marks";
import { byLoad, type Condition, mean, type Search, type Try } from "./model";
import { bare, loadOf, texts } from "./texts";

/** From this ratio of the largest load to the smallest the axis is logarithmic. */
const WIDE = 12;
/** Messages that have lines of their own. */
const MESSAGES = 4;

type Figure = (tried: Try) => number | undefined;

const UNITS: Record<string, Unit> = {
  us: { show: time, log: true },
  share: { show: percent },
  bytes: { show: bytes },
  per_second: { show: (value) => `${rate(value)}/s` },
  number: { show: rate },
};

export function curve(search: Search): HTMLElement {
  const t = texts();
  const groups = byLoad(search.tries);
  const asked = search.tries[0]?.conditions ?? [];
  const charts = [
    ...asked.map((condition, at) => judged(search, groups, condition, at)),
    replies(search, groups),
    latencies(search, groups),
  ];
  return section("curve", t.sections.curve, marksKey(search.tries), pair(...charts));
}

/** A chart over the loads, whose marks are at one figure of each try. */
function chart(
  search: Search,
  groups: Map<number, Try[]>,
  figure: Figure,
  rest: Pick<ChartSpec, "title" | "lines" | "unit">,
): HTMLElement {
  const { tries, of, knee } = search;
  const at = [...groups.keys()];
  const across: Across = {
    label: texts().axis[of] ?? of,
    show: bare,
    told: (load) => loadOf(load, of),
    log: (at[at.length - 1] ?? 1) / (at[0] ?? 1) >= WIDE,
  };
  return timeChart({
    ...rest,
    at,
    across,
    bands: [],
    empty: texts().charts.none,
    below: (plot) => drawKnee(plot, knee, of),
    above: (plot) => drawTries(plot, tries, figure),
    reach: tries.map(figure).filter((value) => value !== undefined),
    told: (plot) => (groups.get(at[plot.cursor.idx ?? -1] ?? Number.NaN) ?? []).map(toldOf),
  });
}

/** `#12: failed again`. */
function toldOf(tried: Try): string {
  const t = texts();
  const run = tried.run === undefined ? "" : `#${tried.run}: `;
  return `${run}${t.results[tried.result]}${tried.again ? ` · ${t.again}` : ""}`;
}

const line = (groups: Map<number, Try[]>, figure: Figure): (number | null)[] =>
  [...groups.values()].map((tries) => mean(tries, figure));

function judged(search: Search, groups: Map<number, Try[]>, condition: Condition, at: number): HTMLElement {
  const figure: Figure = (tried) => tried.conditions[at]?.value;
  const lines: Line[] = [
    { label: visible(condition.key), tone: "a", values: line(groups, figure) },
    {
      label: texts().bound(condition.condition),
      tone: "quiet",
      dash: [5, 4],
      width: 1.25,
      values: [...groups].map(() => condition.bound),
    },
  ];
  const unit = UNITS[condition.unit] ?? { show: rate };
  return chart(search, groups, figure, { title: visible(condition.key), lines, unit });
}

function replies(search: Search, groups: Map<number, Try[]>): HTMLElement {
  const t = texts().charts;
  const figure: Figure = (tried) => tried.replies_per_s;
  const measured = line(groups, figure);
  const [smallest] = groups.keys();
  const each = (measured[0] ?? 0) / (smallest ?? 1);
  const lines: Line[] = [
    { label: t.measured, tone: "a", values: measured },
    {
      label: t.proportional,
      tone: "quiet",
      dash: [5, 4],
      width: 1.25,
      values: [...groups.keys()].map((load) => load * each),
    },
  ];
  return chart(search, groups, figure, { title: t.replies, lines, unit: { show: rate } });
}

function latencies(search: Search, groups: Map<number, Try[]>): HTMLElement {
  const t = texts().charts;
  const p99: Figure = (tried) => tried.latency_us?.p99;
  const lines: Line[] = [
    { label: t.p99, tone: "a", values: line(groups, p99), width: 2.5 },
    { label: t.median, tone: "a", dash: [2, 3], values: line(groups, (tried) => tried.latency_us?.p50) },
    ...frequent(search.tries).map((name, at) => ({
      label: t.p99Of(name),
      tone: seriesTone(at + 1),
      values: line(
        groups,
        (tried) => tried.requests.find((request) => fullName(request) === name)?.latency_us?.p99,
      ),
    })),
    {
      label: t.lag,
      tone: "quiet",
      dash: [5, 4],
      width: 1.25,
      values: line(groups, (tried) => tried.lag_p99_us),
    },
  ];
  return chart(search, groups, p99, { title: t.latency, lines, unit: { show: time, log: true } });
}

/** The most frequent messages, where there are several. */
function frequent(tries: Try[]): string[] {
  const counts = new Map<string, number>();
  for (const request of tries.flatMap((tried) => tried.requests)) {
    counts.set(fullName(request), (counts.get(fullName(request)) ?? 0) + request.ok);
  }
  const names = [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  return names.length > 1 ? names.slice(0, MESSAGES) : [];
}
