// The report: the figures of a run as a page.

import { h, visible } from "../shared/dom";
import { contents, show } from "../shared/page";
import { strings } from "../shared/strings";
import { head, notices, thresholds, tiles } from "./head";
import { messages } from "./messages";
import type { Figures } from "./model";
import { checks, connections, pushes, sends, work } from "./others";
import { latency, load } from "./over-time";
import { plan } from "./plan";
import { environment, errors, generator } from "./troubles";

function body(figures: Figures): Node[] {
  const t = strings();
  const { summary, timeline } = figures;
  const sections = [
    thresholds(summary),
    plan(summary),
    load(figures),
    latency(timeline),
    messages(figures),
    pushes(figures),
    sends(summary),
    errors(summary),
    work(summary),
    checks(summary),
    connections(summary),
    generator(figures),
    environment(figures),
  ].filter((section) => section !== null);
  const top = notices(summary);
  return [
    head(figures),
    ...(top ? [top] : []),
    tiles(summary),
    contents(sections),
    h("p", { class: "quiet hint screen" }, t.chartHint),
    ...sections,
    h("footer", { class: "quiet" }, t.footer(summary.environment?.version ?? "")),
  ];
}

show<Figures>({
  format: 1,
  title: ({ summary }) =>
    `${visible(summary.project)}: ${strings().verdicts[summary.verdict] ?? summary.verdict} · throng`,
  body,
});
