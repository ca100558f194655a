// Colours of what is drawn on a canvas. They are those of the style sheet, so that both themes have one place.

export type Tone =
  | "paper"
  | "a"
  | "b"
  | "c"
  | "d"
  | "e"
  | "f"
  | "over"
  | "s1"
  | "s2"
  | "s3"
  | "s4"
  | "rest"
  | "bad"
  | "quiet"
  | "ink"
  | "grid"
  | "band";

/** The colour of a tone in the theme that is on. */
export function colour(tone: Tone): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${tone}`).trim();
}

const SERIES: Tone[] = ["a", "b", "c", "d", "e", "f"];

/** The tone of the series number `at`; after six they come again, and differ by their dashes. */
export function seriesTone(at: number): Tone {
  return SERIES[at % SERIES.length] ?? "a";
}

/** From almost nothing to the most, in one hue whose lightness alone tells: light on dark and dark on light. */
const RAMPS: Record<"light" | "dark", [number, number, number][]> = {
  light: [
    [222, 235, 247],
    [158, 202, 225],
    [66, 146, 198],
    [8, 81, 156],
    [8, 38, 84],
  ],
  dark: [
    [22, 44, 74],
    [24, 83, 138],
    [49, 139, 196],
    [132, 199, 230],
    [240, 249, 255],
  ],
};

/** The colour for a share from 0 to 1. */
export function shade(share: number): string {
  const ramp = RAMPS[document.documentElement.dataset.theme === "dark" ? "dark" : "light"];
  const place = Math.min(1, Math.max(0, share)) * (ramp.length - 1);
  const low = Math.min(ramp.length - 2, Math.floor(place));
  const [from, to] = [ramp[low] ?? [0, 0, 0], ramp[low + 1] ?? [0, 0, 0]];
  const mix = from.map((value, at) => Math.round(value + ((to[at] ?? 0) - value) * (place - low)));
  return `rgb(${mix.join(",")})`;
}
