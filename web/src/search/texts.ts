// The texts of this page; those of all pages are in `shared/strings`.

import { whole } from "../shared/format";
import { language } from "../shared/prefs";

const en = {
  title: "Search for the load a server bears",
  found: (load: string) => `The knee is at ${load}`,
  notFound: "No knee was found",
  reasons: {
    found: (load: string, failsAt: string) => `${load} held twice, and ${failsAt} failed twice.`,
    below_range: "Not even the first load held, tried twice.",
    above_range: (load: string) => `${load} still held.`,
    unsteady: "The same loads held and failed by turns. Hold each load for longer.",
    limited: (at: string) => `At ${at} throng itself was the limit.`,
    broken_off: "The search was ended before it was done.",
    bears: (held: string) => `The server bears at least ${held}.`,
  },
  of: { robots: "robots", "arrivals/s": "arrivals/s", "tasks/s": "tasks/s" } as Record<string, string>,
  axis: { robots: "robots", "arrivals/s": "arrivals/s", "tasks/s": "tasks/s" } as Record<string, string>,
  facts: {
    conditions: "What had to hold",
    hold: "Each load was held",
    holdFor: (hold: string, warmUp: string) => `${hold}, after a warm-up of ${warmUp}`,
    tries: "Tries",
  },
  tiles: {
    bears: "The server bears",
    failsAt: (load: string) => `${load} failed`,
    figure: (key: string) => `${key} at the knee`,
    bound: (condition: string) => `wanted ${condition}`,
    replies: "Replies per second at the knee",
    each: (rate: string) => `${rate} for each of the load`,
    p99: "Latency at the knee, p99",
    above: (figure: string) => `${figure} at the load that failed`,
    tries: "Tries",
    again: (count: number) => `${count} of them of a load tried before`,
  },
  sections: { curve: "Curve", tries: "Tries" },
  hint: "Each mark is a run; lines join the means of the loads. Drag across a chart to zoom in, double-click to see the whole curve.",
  kneeAt: (load: string) => `knee: ${load}`,
  results: { held: "held", failed: "failed", limited: "throng was the limit" },
  again: "again",
  load: "Load",
  bound: (condition: string) => `wanted ${condition}`,
  charts: {
    replies: "Replies per second",
    measured: "measured",
    proportional: "as many for each as at the smallest load",
    latency: "Latency while the load was held",
    median: "median, all requests",
    p99: "p99, all requests",
    p99Of: (name: string) => `p99, ${name}`,
    lag: "generator lag, p99",
    none: "No try has this figure.",
  },
  columns: {
    number: "Try",
    result: "Result",
    replies: "Replies/s",
    median: "Median",
    p99: "p99",
    intended: "p99 from the intended start",
    errors: "Errors",
    lag: "Lag, p99",
    run: "Run",
    request: "Request",
    answered: "Answered",
    failed: "Failed",
  },
  requests: (load: string) => `Requests at ${load}`,
  noRequests: "No requests were made.",
  noTries: "No load was tried to the end.",
};

type Texts = typeof en;

const zh: Texts = {
  title: "服务器承载量搜索",
  found: (load) => `拐点在 ${load}`,
  notFound: "没有找到拐点",
  reasons: {
    found: (load, failsAt) => `${load}两次达标，${failsAt}两次不达标。`,
    below_range: "连最小的负载试了两次都不达标。",
    above_range: (load) => `到 ${load}仍然达标。`,
    unsteady: "同一负载时而达标、时而不达标。请延长每次保持的时间。",
    limited: (at) => `在 ${at}时，瓶颈是 throng 自己。`,
    broken_off: "搜索没有做完就被终止了。",
    bears: (held) => `服务器至少承受得住 ${held}。`,
  },
  of: { robots: "个机器人", "arrivals/s": "次到达/秒", "tasks/s": "个任务/秒" },
  axis: { robots: "机器人", "arrivals/s": "到达/秒", "tasks/s": "任务/秒" },
  facts: {
    conditions: "必须满足",
    hold: "每个负载保持",
    holdFor: (hold, warmUp) => `${hold}，此前预热 ${warmUp}`,
    tries: "尝试次数",
  },
  tiles: {
    bears: "服务器承受得住",
    failsAt: (load) => `${load}不达标`,
    figure: (key) => `拐点处 ${key}`,
    bound: (condition) => `要求 ${condition}`,
    replies: "拐点处每秒应答",
    each: (rate) => `平均每单位负载 ${rate}`,
    p99: "拐点处延迟 p99",
    above: (figure) => `不达标的负载下为 ${figure}`,
    tries: "尝试次数",
    again: (count) => `其中 ${count} 次是重试同一负载`,
  },
  sections: { curve: "曲线", tries: "各次尝试" },
  hint: "每个标记是一次运行，连线是各负载的平均值。横向拖动可以放大，双击恢复全貌。",
  kneeAt: (load) => `拐点：${load}`,
  results: { held: "达标", failed: "不达标", limited: "瓶颈是 throng" },
  again: "重试",
  load: "负载",
  bound: (condition) => `要求 ${condition}`,
  charts: {
    replies: "每秒应答",
    measured: "实测",
    proportional: "按最小负载的比例推算",
    latency: "保持负载期间的延迟",
    median: "全部请求，中位数",
    p99: "全部请求，p99",
    p99Of: (name) => `${name}，p99`,
    lag: "发压端滞后，p99",
    none: "没有一次尝试有这个数据。",
  },
  columns: {
    number: "次序",
    result: "结果",
    replies: "应答/秒",
    median: "中位数",
    p99: "p99",
    intended: "自计划时刻起 p99",
    errors: "错误",
    lag: "滞后 p99",
    run: "运行",
    request: "请求",
    answered: "已应答",
    failed: "失败",
  },
  requests: (load) => `${load}下的请求`,
  noRequests: "没有发出请求。",
  noTries: "没有一个负载试完。",
};

export const texts = (): Texts => (language() === "zh" ? zh : en);

/** `640 robots`, `12.5 arrivals/s`. */
export function loadOf(load: number, of: string): string {
  return `${bare(load)} ${texts().of[of] ?? of}`;
}

/** A load alone: robots are whole, rates may have a part. */
export const bare = (load: number): string =>
  Number.isInteger(load) ? whole(load) : String(Number(load.toFixed(2)));
