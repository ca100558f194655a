// Where the marks of axes stand.

/** Steps of a time axis, in seconds: from one to a week. */
export const SECONDS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 604800,
];

/** Steps of an axis of whole numbers. */
export const WHOLE = [1, 2, 5]
  .flatMap((step) => [...Array(13).keys()].map((power) => step * 10 ** power))
  .sort((a, b) => a - b);

/** What of each decade gets a mark, from few to many. */
const DECADES = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9]];

/** Marks of a logarithmic axis: at most `most`, and never fewer than two, however little it spans. */
export function logMarks(min: number, max: number, most: number): number[] {
  const fitting = DECADES.map((steps) => within(min, max, steps)).filter(
    (marks, at) => marks.length >= 2 && (marks.length <= most || at === 0),
  );
  return fitting.at(-1) ?? [min, Math.sqrt(min * max), max];
}

function within(min: number, max: number, steps: number[]): number[] {
  const found = [];
  for (let power = Math.floor(Math.log10(min)); 10 ** power <= max; power += 1) {
    for (const step of steps) {
      const value = step * 10 ** power;
      if (value >= min && value <= max) found.push(value);
    }
  }
  return found;
}
