// The verdict first: how the run went, what it was, and its few most important figures.

import { h, visible } from "../shared/dom";
import { bytes, percent, rate, span, time, whole } from "../shared/format";
import { factList, moment, tile } from "../shared/frame";
import { strings } from "../shared/strings";
import type { Figures, Request, Summary, Threshold } from "./model";
import { fullName, section } from "./sections";

const SIGNS: Record<string, string> = { pass: "✓", fail: "✗", broken: "!", interrupted: "■" };

export function head(figures: Figures): HTMLElement {
  const t = strings();
  const { summary } = figures;
  const verdict = t.verdicts[summary.verdict] ?? summary.verdict;
  return h(
    "header",
    { class: `verdict ${summary.verdict in SIGNS ? summary.verdict : "fail"}` },
    h(
      "div",
      { class: "verdict-line" },
      h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[summary.verdict] ?? "?"),
      h(
        "div",
        {},
        h("p", { class: "project" }, `${visible(summary.project)} · ${t.title}`),
        h("h1", {}, verdict, h("span", { class: "reason" }, reason(summary))),
      ),
    ),
    facts(figures),
  );
}

/** Why: put together from the figures where the language needs it, the program's own words otherwise. */
function reason(summary: Summary): string {
  const { reasons } = strings();
  const failed = summary.thresholds.filter((threshold) => !threshold.passed).length;
  const own = visible(summary.reason);
  const ended = summary.thresholds.find((threshold) => threshold.ended_run);
  if (ended) return reasons.ended(visible(ended.key), actual(ended), visible(ended.condition)) ?? own;
  if (summary.verdict === "fail" && !succeeded(summary)) return reasons.nothing ?? own;
  if (summary.verdict === "pass") return reasons.allHold(summary.thresholds.length) ?? own;
  if (summary.verdict === "fail" && failed > 0) {
    return reasons.someFail(failed, summary.thresholds.length) ?? own;
  }
  if (summary.verdict === "broken") return reasons.broken(own) ?? own;
  if (summary.verdict === "interrupted") return reasons.interrupted ?? own;
  return own;
}

/** Whether a reply, a push, a check or a byte of a message came. */
const succeeded = (summary: Summary): boolean =>
  summary.messages.received > 0 ||
  summary.requests.some((request) => request.ok > 0) ||
  summary.pushes.some((push) => push.count > 0) ||
  summary.checks.some((check) => check.passed > 0);

function facts(figures: Figures): HTMLElement {
  const t = strings();
  const { summary, run, seed } = figures;
  return factList([
    [t.facts.target, summary.target],
    [t.facts.started, summary.started_at_unix_s ? moment(summary.started_at_unix_s) : null],
    [t.facts.duration, span(summary.duration_s)],
    [t.facts.robots, t.facts.robotsOf(whole(summary.robots.peak), whole(summary.robots.planned))],
    [t.facts.machine, summary.environment?.host],
    [t.facts.seed, seed],
    [t.facts.run, run ? `#${run.number}` : null],
    [t.facts.tags, run?.tags.join(", ")],
    [t.facts.note, run?.note],
  ]);
}

/** What must be known before the figures are read. */
export function notices(summary: Summary): HTMLElement | null {
  const t = strings();
  const notes: Node[] = [];
  if (summary.generator.limited) {
    notes.push(
      h(
        "div",
        { class: "notice" },
        h("strong", {}, t.limited),
        h("p", {}, t.limitedMeans),
        ...limits(summary.generator).map((why) => h("p", { class: "quiet" }, why)),
      ),
    );
  }
  if (summary.warnings && summary.warnings.length > 0) {
    const items = summary.warnings.map((warning) => h("li", {}, visible(warning)));
    notes.push(h("div", { class: "notice" }, h("strong", {}, t.warnings), h("ul", {}, ...items)));
  }
  return notes.length > 0 ? h("div", { class: "notices" }, ...notes) : null;
}

/** Why the generator was the limit: from the figures where the language needs it, else in the program's own words. */
export function limits(own: Summary["generator"]): string[] {
  const { limits: t } = strings();
  const said = own.limited_by.map(visible);
  if (!t) return said;
  const { bounds } = own;
  const lag = own.lag_us?.p99 ?? 0;
  const share = own.share_of_latency;
  const found: string[] = [];
  if (share !== undefined && lag > bounds.lag_p99_us && share > bounds.share_of_latency) {
    found.push(t.share(percent(share), time(lag)));
  } else if (lag > (share === undefined ? bounds.lag_p99_us : bounds.worst_lag_p99_us)) {
    found.push(t.lag(time(lag)));
  }
  if (own.longest_stall_us > bounds.longest_stall_us) found.push(t.stall(time(own.longest_stall_us)));
  if ((own.cpu_share_p90 ?? 0) > bounds.cpu_p90) found.push(t.cpu(percent(own.cpu_share_p90 ?? 0)));
  // A figure that was rounded to its bound: nothing may be left unsaid.
  return found.length === said.length ? found : said;
}

export function tiles(summary: Summary): HTMLElement {
  const t = strings();
  const seconds = Math.max(0.001, summary.duration_s);
  const answered = summary.requests.filter((request) => request.latency_us);
  const replies = summary.requests.reduce((sum, request) => sum + request.ok, 0);
  const pushes = summary.pushes.reduce((sum, push) => sum + push.count, 0);
  const p50 = busiest(answered);
  const slow = slowest(answered);
  const lag = summary.generator.lag_us;
  const share = summary.generator.share_of_latency;
  return h(
    "div",
    { class: "tiles" },
    tile(t.tiles.replies, rate(replies / seconds), t.tiles.messages(whole(replies))),
    p50?.latency_us
      ? tile(t.tiles.p50, time(p50.latency_us.p50), t.tiles.busiest(fullName(p50)))
      : tile(t.tiles.p50, "–", t.tiles.noReplies),
    slow?.latency_us
      ? tile(t.tiles.p99, time(slow.latency_us.p99), t.tiles.worst(fullName(slow)))
      : tile(t.tiles.p99, "–", t.tiles.noReplies),
    tile(
      t.tiles.errors,
      whole(summary.errors.count),
      summary.errors.rate === undefined ? "" : t.tiles.errorRate(percent(summary.errors.rate)),
      summary.errors.count > 0,
    ),
    tile(t.tiles.pushes, rate(pushes / seconds), t.tiles.messages(whole(pushes))),
    tile(
      t.tiles.lag,
      lag ? time(lag.p99) : "–",
      share === undefined ? "" : t.tiles.share(percent(share)),
      summary.generator.limited,
    ),
  );
}

const busiest = (requests: Request[]): Request | undefined =>
  requests.reduce<Request | undefined>((best, one) => (best && best.ok >= one.ok ? best : one), undefined);

const slowest = (requests: Request[]): Request | undefined =>
  requests.reduce<Request | undefined>(
    (worst, one) => (worst && (worst.latency_us?.p99 ?? 0) >= (one.latency_us?.p99 ?? 0) ? worst : one),
    undefined,
  );

export function thresholds(summary: Summary): HTMLElement {
  const t = strings();
  const title = t.sections.thresholds;
  if (summary.thresholds.length === 0)
    return section("thresholds", title, h("p", { class: "empty" }, t.thresholds.none));
  const head = [t.thresholds.result, t.thresholds.key, t.thresholds.wanted, t.thresholds.actual];
  const rows = summary.thresholds.map((threshold) => {
    const more = threshold.decided_by
      ? t.thresholds.decidedBy(visible(threshold.decided_by))
      : threshold.nearest
        ? t.thresholds.nearest(visible(threshold.nearest))
        : "";
    return h(
      "tr",
      { class: threshold.passed ? "holds" : "fails" },
      h(
        "td",
        { class: "text result" },
        h("span", { "aria-hidden": "true" }, threshold.passed ? "✓ " : "✗ "),
        threshold.passed ? t.thresholds.holds : t.thresholds.fails,
        threshold.ended_run && ` · ${t.thresholds.endedRun}`,
      ),
      h("th", { scope: "row", class: "text" }, h("code", {}, visible(threshold.key))),
      h(
        "td",
        { class: "num" },
        visible(threshold.condition),
        threshold.abort_after_s !== undefined &&
          h("span", { class: "quiet" }, ` (${t.thresholds.aborts(span(threshold.abort_after_s))})`),
      ),
      h("td", { class: "num" }, actual(threshold), more && h("span", { class: "quiet" }, ` (${more})`)),
    );
  });
  return section(
    "thresholds",
    title,
    h(
      "div",
      { class: "scroll" },
      h(
        "table",
        { class: "narrow" },
        h("caption", { class: "hidden" }, title),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ...head.map((text, at) => h("th", { scope: "col", class: at < 2 ? "text" : "num" }, text)),
          ),
        ),
        h("tbody", {}, ...rows),
      ),
    ),
  );
}

function actual(threshold: Threshold): string {
  const { value, unit } = threshold;
  // A comparison that could not be made says why.
  if (value === undefined) {
    return threshold.actual === "no samples" ? strings().thresholds.noSamples : visible(threshold.actual);
  }
  switch (unit) {
    case "us":
      return time(value);
    case "share":
      return percent(value);
    case "per_second":
      return `${rate(value)}/s`;
    case "bytes":
      return bytes(value);
    default:
      return visible(threshold.actual);
  }
}
