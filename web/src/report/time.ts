// The run's time as charts need it.

import type { Band } from "../shared/chart";
import type { Timeline } from "./model";

/** The ends of the stretches, in seconds. */
export const ends = (timeline: Timeline): number[] =>
  timeline.at.map((at, place) => (at + (timeline.took[place] ?? 0)) / 1000);

/** How long each stretch took, in seconds. */
export const lengths = (timeline: Timeline): number[] => timeline.took.map((took) => took / 1000);

export const bands = (timeline: Timeline): Band[] =>
  timeline.phases.map(([phase, from, to]) => ({ phase, from: from / 1000, to: to / 1000 }));

/** Counts as rates per second. */
export function perSecond(counts: number[] | undefined, took: number[]): number[] {
  return (counts ?? []).map((count, at) => (count * 1000) / Math.max(1, took[at] ?? 1000));
}
