// How the plan went: its phases, scenarios, arrivals and storms.

import { phaseName } from "../shared/chart";
import { h, visible } from "../shared/dom";
import { clock, percent, rate, span, time, whole } from "../shared/format";
import { strings } from "../shared/strings";
import { type Column, table } from "../shared/table";
import { counts, spreads } from "./messages";
import type { Arrivals, Phase, Scenario, Storm, Summary, Work } from "./model";
import { fullName, nameOf, section } from "./sections";

export function plan(summary: Summary): HTMLElement | null {
  const t = strings();
  const { phases = [], arrivals = [], scenarios = [], storms = [] } = summary;
  const tables: [string, HTMLElement | null][] = [
    [t.plan.phases, phases.length > 0 ? phaseTable(phases) : null],
    [t.plan.scenarios, scenarios.length > 0 ? scenarioTable(scenarios) : null],
    [t.plan.arrivals, arrivals.length > 0 ? arrivalTable(arrivals) : null],
    [t.plan.storms, storms.length > 0 ? stormTable(storms) : null],
  ];
  const shown = tables.filter(([, content]) => content !== null);
  if (shown.length === 0) return null;
  return section(
    "plan",
    t.sections.plan,
    ...shown.map(([title, content]) => h("div", {}, h("h3", {}, title), content)),
  );
}

const nothing = () => h("span", { class: "quiet" }, "–");

function phaseTable(phases: Phase[]): HTMLElement {
  const { plan: t, columns: c, help } = strings();
  const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);
  const perSecond = (title: string, of: (phase: Phase) => number): Column<Phase> => ({
    title,
    value: (phase) => of(phase) / Math.max(0.001, phase.duration_s),
    show: (phase) => rate(of(phase) / Math.max(0.001, phase.duration_s)),
  });
  const columns: Column<Phase>[] = [
    { title: c.name, text: true, value: (phase) => phaseName(phase.name) },
    { title: t.began, value: (phase) => phase.began_s, show: (phase) => clock(phase.began_s) },
    { title: t.length, value: (phase) => phase.duration_s, show: (phase) => span(phase.duration_s) },
    counts(t.peak, (phase) => phase.robots.peak),
    perSecond(t.replies, (phase) => sum(phase.requests.map((request) => request.ok))),
    perSecond(t.pushes, (phase) => sum(phase.pushes.map((push) => push.count))),
    { ...counts<Phase>(t.errors, (phase) => phase.errors.count), bad: (phase) => phase.errors.count > 0 },
    ...spreads<Phase>((phase) => phase.latency_us, ["p50", "p90", "p99", "max"], { help: help.ofAll }),
    {
      title: t.lag99,
      value: (phase) => phase.lag_us?.p99,
      show: (phase) => (phase.lag_us ? time(phase.lag_us.p99) : nothing()),
    },
  ];
  return table({ caption: t.phases, keep: "phases", columns, rows: phases, empty: "" });
}

function scenarioTable(scenarios: Scenario[]): HTMLElement {
  const { plan: t, columns: c } = strings();
  const columns: Column<Scenario>[] = [
    { title: c.name, text: true, value: (row) => visible(row.name) },
    counts(t.planned, (row) => row.planned),
    counts(t.started, (row) => row.started),
    counts(t.ready, (row) => row.ready),
    { ...counts<Scenario>(c.failed, (row) => row.failed), bad: (row) => row.failed > 0 },
    counts(t.stopped, (row) => row.stopped),
    counts(t.restarts, (row) => row.restarts),
    counts(t.tasks, (row) => row.tasks.reduce((sum, task) => sum + task.count, 0)),
  ];
  return table({
    caption: t.scenarios,
    keep: "scenarios",
    columns,
    rows: scenarios,
    empty: "",
    detail: scenarioTasks,
  });
}

function scenarioTasks(scenario: Scenario): HTMLElement {
  const { columns: c, work: t } = strings();
  return table<Work>({
    caption: `${visible(scenario.name)}: ${t.tasks}`,
    keep: `scenario/${scenario.name}`,
    rows: scenario.tasks,
    name: fullName,
    sort: 1,
    empty: t.none,
    columns: [
      { title: c.name, text: true, value: fullName, show: nameOf },
      counts(c.count, (row) => row.count),
      { ...counts<Work>(c.failed, (row) => row.failed), bad: (row) => row.failed > 0 },
      ...spreads<Work>((row) => row.duration_us, ["mean", "p50", "p90", "p99", "max"]),
    ],
  });
}

function arrivalTable(arrivals: Arrivals[]): HTMLElement {
  const { plan: t, columns: c } = strings();
  const share = (row: Arrivals) => row.dropped / Math.max(1, row.due);
  const columns: Column<Arrivals>[] = [
    { title: c.name, text: true, value: (row) => (row.scenario ? visible(row.scenario) : t.allRobots) },
    counts(t.due, (row) => row.due),
    counts(t.started, (row) => row.started),
    { ...counts<Arrivals>(t.dropped, (row) => row.dropped), bad: (row) => row.dropped > 0 },
    {
      title: t.droppedShare,
      value: share,
      show: (row) => (row.dropped > 0 ? percent(share(row)) : nothing()),
      bad: (row) => row.dropped > 0,
    },
    ...spreads<Arrivals>((row) => row.late_us, ["p50", "p99", "max"], { title: t.late, help: t.lateHelp }),
  ];
  return table({ caption: t.arrivals, keep: "arrivals", columns, rows: arrivals, empty: "" });
}

function stormTable(storms: Storm[]): HTMLElement {
  const { plan: t } = strings();
  const out = (row: Storm) => Math.max(0, row.hit - row.back - row.gone);
  const columns: Column<Storm>[] = [
    { title: t.at, text: true, value: (row) => row.at_s, show: (row) => clock(row.at_s) },
    {
      title: t.loss,
      text: true,
      value: (row) => row.loss,
      show: (row) => (row.loss === "close" ? t.closed : row.loss === "cable" ? t.cable : visible(row.loss)),
    },
    { title: t.drop, value: (row) => row.drop, show: (row) => percent(row.drop) },
    counts(t.there, (row) => row.there, t.thereHelp),
    counts(t.hit, (row) => row.hit),
    counts(t.lost, (row) => row.connections),
    counts(t.back, (row) => row.back, t.backHelp),
    counts(t.gone, (row) => row.gone),
    { ...counts<Storm>(t.out, out), bad: (row) => out(row) > 0 },
    {
      title: t.recovery,
      value: (row) => row.recovery_us,
      show: (row) =>
        row.hit === 0 ? nothing() : row.recovery_us === undefined ? t.notBack : time(row.recovery_us),
      bad: (row) => row.hit > 0 && row.recovery_us === undefined,
    },
    ...spreads<Storm>((row) => row.back_us, ["p50", "max"], { title: t.after }),
  ];
  return h(
    "div",
    {},
    table({
      caption: `${t.storms}: ${whole(storms.length)}`,
      keep: "storms",
      columns,
      rows: storms,
      empty: "",
    }),
    storms.some((storm) => storm.hit === 0) && h("p", { class: "quiet" }, t.nobody),
  );
}
