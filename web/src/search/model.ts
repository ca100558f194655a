// What the Rust side puts into the page: the search as in docs/json.md.

export interface Figures {
  format: number;
  seed: string;
  search: Search;
}

export interface Search {
  knee: Knee;
  project: string;
  target: string;
  of: string;
  while: string[];
  hold_s: number;
  warm_up_s: number;
  started_at_unix_s: number;
  version: string;
  tries: Try[];
}

export type Knee =
  | { result: "found"; load: number; fails_at: number }
  | { result: "above_range"; load: number }
  | { result: "limited"; at: number; held?: number }
  | { result: "broken_off"; held?: number }
  | { result: "below_range" | "unsteady" };

export type Result = "held" | "failed" | "limited";

export interface Spread {
  p50: number;
  p99: number;
  max: number;
}

export interface Condition {
  key: string;
  condition: string;
  passed: boolean;
  actual: string;
  value?: number;
  unit: string;
  bound: number;
}

export interface Request {
  name: string;
  connection: string;
  ok: number;
  failures: number;
  rate_per_s?: number;
  latency_us?: Spread;
  intended_us?: Spread;
}

export interface Try {
  load: number;
  again: boolean;
  result: Result;
  replies_per_s: number;
  lag_p99_us?: number;
  run?: number;
  why?: string;
  conditions: Condition[];
  latency_us?: Spread;
  requests: Request[];
  errors?: { count: number; rate?: number };
}

/** The tries of each load, from the smallest load to the largest. */
export function byLoad(tries: Try[]): Map<number, Try[]> {
  const loads = [...new Set(tries.map((tried) => tried.load))].sort((a, b) => a - b);
  return new Map(loads.map((load) => [load, tries.filter((tried) => tried.load === load)]));
}

/** The mean of a figure over tries that have it. */
export function mean(tries: Try[], figure: (tried: Try) => number | undefined): number | null {
  const values = tries.map(figure).filter((value) => value !== undefined);
  return values.length > 0 ? values.reduce((a, b) => a + b, 0) / values.length : null;
}
