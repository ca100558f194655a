// How the plan went: its phases, arrivals, scenarios and storms.

import { h, visible } from "../shared/dom";
import { clock, percent, rate, span, time, whole } from "../shared/format";
import { strings } from "../shared/strings";
import { type Column, table } from "../shared/table";
import { counts, spreads } from "./messages";
import type { Arrivals, Phase, Scenario, Storm, Summary } from "./model";
import { section } from "./sections";

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
    ...shown.map(([title, content], at) => h("div", {}, at > 0 && h("h3", {}, title), content)),
  );
}

const phaseName = (name: string): string => visible(strings().phases[name] ?? name);

function phaseTable(phases: Phase[]): HTMLElement {
  const { plan: t, columns: c, phasesLegend } = strings();
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
    ...spreads<Phase>((phase) => phase.latency_us, ["p50", "p90", "p99", "max"]),
    {
      title: t.lag99,
      value: (phase) => phase.lag_us?.p99,
      show: (phase) => (phase.lag_us ? time(phase.lag_us.p99) : null),
    },
  ];
  return table({ caption: phasesLegend, columns, rows: phases, empty: "" });
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
  ];
  return table({ caption: t.scenarios, columns, rows: scenarios, empty: "" });
}

function arrivalTable(arrivals: Arrivals[]): HTMLElement {
  const { plan: t, columns: c } = strings();
  const columns: Column<Arrivals>[] = [
    { title: c.name, text: true, value: (row) => (row.scenario ? visible(row.scenario) : t.allRobots) },
    counts(t.due, (row) => row.due),
    counts(t.started, (row) => row.started),
    { ...counts<Arrivals>(t.dropped, (row) => row.dropped), bad: (row) => row.dropped > 0 },
    {
      title: t.late99,
      value: (row) => row.late_us?.p99,
      show: (row) => (row.late_us ? time(row.late_us.p99) : null),
    },
  ];
  return table({ caption: t.arrivals, columns, rows: arrivals, empty: "" });
}

function stormTable(storms: Storm[]): HTMLElement {
  const { plan: t } = strings();
  const columns: Column<Storm>[] = [
    { title: t.at, text: true, value: (row) => row.at_s, show: (row) => clock(row.at_s) },
    { title: t.drop, value: (row) => row.drop, show: (row) => percent(row.drop) },
    counts(t.there, (row) => row.there),
    counts(t.hit, (row) => row.hit),
    counts(t.back, (row) => row.back),
    counts(t.gone, (row) => row.gone),
    {
      title: t.recovery,
      value: (row) => row.recovery_us,
      show: (row) => (row.recovery_us === undefined ? t.notBack : time(row.recovery_us)),
      bad: (row) => row.recovery_us === undefined,
    },
    ...spreads<Storm>((row) => row.back_us, ["p50", "p99", "max"]),
  ];
  return table({ caption: `${t.storms}: ${whole(storms.length)}`, columns, rows: storms, empty: "" });
}
