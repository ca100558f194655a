// How a plot's stretches are drawn: bars as wide as their stretches, lines that end where nothing was recorded, and points where a
// line would have nowhere to go.

import type uPlot from "uplot";

/** Stretches that began this much later than the one before ended, in seconds, leave a gap. */
export const GAP = 0.75;

/** Bars from zero, each from its stretch's beginning to its end. */
export function bars(took: number[]): uPlot.Series.PathBuilder {
  return (plot, series, first, last) => {
    const fill = new Path2D();
    const bottom = plot.valToPos(0, "y", true);
    for (let at = first; at <= last; at += 1) {
      const value = plot.data[series]?.[at] ?? 0;
      if (value === 0) continue;
      const end = plot.data[0][at] ?? 0;
      const left = plot.valToPos(end - (took[at] ?? 1), "x", true);
      const top = plot.valToPos(value, "y", true);
      // A bar of a second in a run of hours is thinner than a pixel, and must be seen all the same.
      fill.rect(left, top, Math.max(1, plot.valToPos(end, "x", true) - left), bottom - top);
    }
    return { stroke: null, fill, clip: null, band: null, flags: 0 };
  };
}

/** Which values have none beside them: no line goes through them, and without a point they would not be seen. */
export function alone(values: (number | null)[], at: number[], took: number[]): number[] {
  const meet = (place: number) =>
    typeof values[place - 1] === "number" &&
    typeof values[place] === "number" &&
    !apart(at[place - 1] ?? 0, at[place] ?? 0, took[place] ?? 0);
  return values.flatMap((value, place) =>
    typeof value !== "number" || meet(place) || meet(place + 1) ? [] : [place],
  );
}

/** Whether nothing was recorded between two stretches. */
const apart = (before: number, end: number, took: number): boolean => end - took - before > GAP;

/** Adds to the gaps of a line those where no stretch was. */
export function gaps(took: number[]): uPlot.Series.GapsRefiner {
  return (plot, _series, first, last, found) => {
    const at = plot.data[0];
    const all = [...found];
    for (let place = first + 1; place <= last; place += 1) {
      const [before, end] = [at[place - 1] ?? 0, at[place] ?? 0];
      if (apart(before, end, took[place] ?? 0)) {
        all.push([plot.valToPos(before, "x", true), plot.valToPos(end, "x", true)]);
      }
    }
    return joined(all);
  };
}

function joined(gaps: [number, number][]): [number, number][] {
  const whole: [number, number][] = [];
  for (const [from, to] of gaps.sort((a, b) => a[0] - b[0])) {
    const last = whole.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else whole.push([from, to]);
  }
  return whole;
}
