// What the Rust side puts into the page: the summary as in docs/json.md, and what happened when, in columns.

import type { Bin } from "../shared/distribution";

export interface Figures {
  format: number;
  summary: Summary;
  seed: string | null;
  run: { number: number; tags: string[]; note: string } | null;
  timeline: Timeline;
}

export interface Spread {
  min: number;
  mean: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  p999: number;
  max: number;
}

type Counts = Record<string, number>;

export interface Request {
  name: string;
  connection: string;
  count: number;
  ok: number;
  failures: number;
  cancelled: number;
  in_flight: number;
  late: number;
  duplicate: number;
  ambiguous: number;
  failures_by_kind: Counts;
  rate_per_s?: number;
  latency_us?: Spread;
  intended_us?: Spread;
  generator_share?: number;
  histogram: Bin[];
}

export interface Push {
  name: string;
  connection: string;
  count: number;
  bytes: number;
  handled: number;
  rate_per_s?: number;
}

export interface Send {
  name: string;
  connection: string;
  count: number;
  bytes: number;
}

export interface Connection {
  name: string;
  attempts: number;
  opened: number;
  failed: number;
  failures_by_kind: Counts;
  ended: Counts;
  open: number;
  orphans: number;
  reconnects: number;
  connect_us?: Spread;
  lifetime_us?: Spread;
}

export interface Work {
  name: string;
  count: number;
  failed: number;
  duration_us?: Spread;
  intended_us?: Spread;
  histogram: Bin[];
}

export interface Measure {
  name: string;
  count: number;
  value_us?: Spread;
  histogram: Bin[];
}

export interface Schedule {
  name: string;
  due: number;
  begun: number;
  missed: number;
}

export interface Order {
  name: string;
  count: number;
  missing: number;
  gaps: number;
  late: number;
  doubled: number;
  restarts: number;
}

export interface Delay {
  name: string;
  connection: string;
  count: number;
  delay_us?: Spread;
  fastest_at_most_us?: number;
  floor_us?: Spread;
  jitter_us?: Spread;
  clock_set: number;
  histogram: Bin[];
}

export interface Gap {
  name: string;
  count: number;
  gap_us?: Spread;
  histogram: Bin[];
}

export interface Phase {
  name: string;
  began_s: number;
  duration_s: number;
  robots: { started: number; ready: number; failed: number; stopped: number; peak: number };
  errors: { count: number; rate?: number };
  latency_us?: Spread;
  lag_us?: Spread;
  requests: PhaseRequest[];
  pushes: { count: number }[];
}

export interface PhaseRequest {
  name: string;
  connection: string;
  count: number;
  ok: number;
  failures: number;
  rate_per_s?: number;
  latency_us?: Spread;
}

export interface Arrivals {
  scenario?: string;
  due: number;
  started: number;
  dropped: number;
  late_us?: Spread;
}

export interface Scenario {
  name: string;
  planned: number;
  started: number;
  ready: number;
  failed: number;
  stopped: number;
  restarts: number;
  tasks: Work[];
}

export interface Storm {
  at_s: number;
  drop: number;
  loss: string;
  there: number;
  hit: number;
  connections: number;
  back: number;
  gone: number;
  recovery_us?: number;
  back_us?: Spread;
}

/** A stretch of a script with a name, and the requests made in it. */
export interface Check {
  name: string;
  passed: number;
  failed: number;
}

export interface Group extends Work {
  requests: Request[];
  checks: Check[];
}

export interface Failure {
  kind: string;
  name: string;
  message: string;
  count: number;
  sample?: string;
}

export interface Threshold {
  key: string;
  condition: string;
  passed: boolean;
  actual: string;
  value?: number;
  unit: string;
  decided_by?: string;
  nearest?: string;
  phase?: string;
  abort_after_s?: number;
  ended_run?: boolean;
}

export interface Environment {
  version?: string;
  host?: string;
  system?: string;
  processor?: string;
  cores?: number;
  memory_bytes?: number;
  shards?: number;
  settings?: { key: string; value: string }[];
}

export interface Summary {
  verdict: string;
  reason: string;
  project: string;
  target: string;
  warnings?: string[];
  started_at_unix_s?: number;
  duration_s: number;
  environment?: Environment;
  robots: {
    planned: number;
    started: number;
    ready: number;
    failed: number;
    stopped: number;
    restarts: number;
    peak: number;
    rate_per_s?: {
      robots: number;
      min: number;
      p5: number;
      p50: number;
      mean: number;
      p95: number;
      max: number;
    };
  };
  bytes: { sent: number; received: number };
  messages: { sent: number; received: number };
  errors: { count: number; rate?: number; by_kind: Counts };
  requests: Request[];
  sends: Send[];
  pushes: Push[];
  connections: Connection[];
  checks: Check[];
  tasks: Work[];
  sequences: Work[];
  steps: Work[];
  starts: Work[];
  measures: Measure[];
  counters: { name: string; value: number }[];
  schedules?: Schedule[];
  orders?: Order[];
  delays?: Delay[];
  gaps?: Gap[];
  groups?: Group[];
  phases?: Phase[];
  arrivals?: Arrivals[];
  scenarios?: Scenario[];
  storms?: Storm[];
  failures: Failure[];
  script_errors: { message: string; traceback: string; count: number }[];
  thresholds: Threshold[];
  generator: {
    lag_us?: Spread;
    lag_by_source: Record<string, Spread>;
    longest_stall_us: number;
    limited: boolean;
    limited_by: string[];
    share_of_latency?: number;
    cpu_share?: number;
    cpu_share_p90?: number;
    busiest_cpu_share?: number;
    bounds: {
      lag_p99_us: number;
      share_of_latency: number;
      worst_lag_p99_us: number;
      longest_stall_us: number;
      cpu_p90: number;
    };
  };
}

type Column = (number | null)[];

export interface Percentiles {
  p50: Column;
  p90: Column;
  p99: Column;
  max: Column;
}

export interface MessageTimeline {
  connection: string;
  name: string;
  ok: number[];
  failed?: number[];
  p50: Column;
  p99: Column;
  intended?: Column;
  heat: [number, string][];
}

/** Times are in milliseconds since the run's start, latencies in microseconds. */
export interface Timeline {
  phases: [string, number, number][];
  at: number[];
  took: number[];
  robots: {
    wanted: Column;
    connecting: number[];
    logging_in: number[];
    ready: number[];
    failed: number[];
    open: number[];
  };
  traffic: Record<string, number[]>;
  errors: Record<string, number[]>;
  latency: Percentiles | null;
  intended: Percentiles | null;
  lag: Percentiles | null;
  stall: number[];
  cpu: number[];
  heat: { per_doubling: number; columns: [number, number[]][] };
  messages: {
    at: [number, number][];
    per_doubling: number;
    requests: MessageTimeline[];
    pushes: { connection: string; name: string; count: number[] }[];
  };
}

/** A count as one letter, as the Rust side wrote it: each step is a third more. */
export function unshade(letters: string): number[] {
  const shades = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return [...letters].map((letter) => {
    const step = shades.indexOf(letter);
    return step <= 0 ? 0 : Math.round((4 / 3) ** (step - 1));
  });
}
