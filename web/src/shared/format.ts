// Numbers as a person reads them, the same as on throng's terminal: never more than four digits.

/** A duration in microseconds: `850 µs`, `12.3 ms`, `1.25 s`, `2m 05s`. */
export function time(us: number): string {
  if (us < 999.5) return `${digits(us)} µs`;
  if (us < 999_500) return `${digits(us / 1e3)} ms`;
  if (us < 59_950_000) return `${digits(us / 1e6)} s`;
  return span(us / 1e6);
}

/** A duration in seconds: `8s`, `2m 05s`, `1h 02m`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${two(Math.floor(whole / 60) % 60)}m`;
}

/** A moment of the run as on a clock: `0:07`, `12:30`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** A whole number in full, with thin groups: `1 234 567`. */
export function whole(n: number): string {
  return Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** A number that need not be whole: `0`, `0.25`, `12.3`, `4.5k`. */
export function rate(n: number): string {
  return n <= 0 ? "0" : scaled(n, ["", "k", "M", "G", "T", "P"], "");
}

/** Bytes in decimal units: `512 B`, `3.4 MB`. */
export function bytes(n: number): string {
  return n <= 0 ? "0 B" : scaled(n, ["B", "kB", "MB", "GB", "TB", "PB"], " ");
}

/** A share of one: `0%`, `0.04%`, `12.3%`, `100%`; neither end is reached by rounding. */
export function percent(share: number): string {
  const value = Math.min(100, Math.max(0, share * 100));
  if (value === 0 || value === 100) return `${value}%`;
  if (value < 0.01) return "<0.01%";
  const text = trimmed(value < 10 ? value.toFixed(2) : value.toFixed(1));
  return text === "100" ? ">99.9%" : `${text}%`;
}

function scaled(n: number, suffixes: string[], space: string): string {
  let [value, step] = [n, 0];
  while (value >= 999.5 && step + 1 < suffixes.length) {
    value /= 1000;
    step += 1;
  }
  return `${digits(value)}${space}${suffixes[step] ?? ""}`;
}

/** Three significant digits, without a trailing zero after the point. */
function digits(n: number): string {
  if (n >= 99.95) return n.toFixed(0);
  return trimmed(n.toFixed(n >= 9.995 ? 1 : 2));
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
