// What is drawn over the curves: a mark for each try, and where the knee is.

import type uPlot from "uplot";
import { colour, type Tone } from "../shared/colours";
import { h, svg } from "../shared/dom";
import type { Knee, Result, Try } from "./model";
import { loadOf, texts } from "./texts";

/** Told apart by their shapes too: colours are not for everyone. */
const MARKS: Record<Result, { tone: Tone; path: string }> = {
  held: { tone: "c", path: "M-4.5,0 a4.5,4.5 0 1,0 9,0 a4.5,4.5 0 1,0 -9,0" },
  failed: { tone: "bad", path: "M-4.5,-4.5 L4.5,4.5 M-4.5,4.5 L4.5,-4.5" },
  limited: { tone: "f", path: "M0,-5 L5,4 L-5,4 Z" },
};

/** A mark for each try at its own figure. */
export function drawTries(plot: uPlot, tries: Try[], figure: (tried: Try) => number | undefined): void {
  inside(plot, (ctx, scale) => {
    for (const tried of tries) {
      const value = figure(tried);
      if (value === undefined) continue;
      const { tone, path } = MARKS[tried.result];
      ctx.save();
      ctx.translate(
        plot.valToPos(tried.load, "x", true),
        plot.valToPos(plot.scales.y?.distr === 3 ? Math.max(value, 1) : value, "y", true),
      );
      ctx.scale(scale, scale);
      ctx.lineWidth = 2;
      ctx.setLineDash([]);
      ctx.strokeStyle = colour(tone);
      ctx.fillStyle = colour("paper");
      const shape = new Path2D(path);
      if (tried.result !== "failed") ctx.fill(shape);
      ctx.stroke(shape);
      ctx.restore();
    }
  });
}

/** A line at the knee, and one at the load that failed above it. */
export function drawKnee(plot: uPlot, knee: Knee, of: string): void {
  if (knee.result !== "found") return;
  inside(plot, (ctx, scale) => {
    upright(plot, ctx, scale, knee.load, "over", []);
    upright(plot, ctx, scale, knee.fails_at, "bad", [4, 4]);
    const { left, top } = plot.bbox;
    const at = plot.valToPos(knee.load, "x", true);
    const text = texts().kneeAt(loadOf(knee.load, of));
    ctx.font = `600 ${12 * scale}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    // On the left, where the curve has not risen yet; unless there is no room.
    const fits = at - left > ctx.measureText(text).width + 10 * scale;
    ctx.textAlign = fits ? "right" : "left";
    ctx.fillStyle = colour("over");
    ctx.fillText(text, at + (fits ? -6 : 6) * scale, top + 4 * scale);
  });
}

function upright(
  plot: uPlot,
  ctx: CanvasRenderingContext2D,
  scale: number,
  load: number,
  tone: Tone,
  dash: number[],
): void {
  const { top, height } = plot.bbox;
  const at = plot.valToPos(load, "x", true);
  ctx.beginPath();
  ctx.setLineDash(dash.map((length) => length * scale));
  ctx.lineWidth = 1.5 * scale;
  ctx.strokeStyle = colour(tone);
  ctx.moveTo(at, top);
  ctx.lineTo(at, top + height);
  ctx.stroke();
}

function inside(plot: uPlot, draw: (ctx: CanvasRenderingContext2D, scale: number) => void): void {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio || 1;
  ctx.save();
  ctx.beginPath();
  // A mark at an edge is whole.
  ctx.rect(bbox.left - 6 * scale, bbox.top - 6 * scale, bbox.width + 12 * scale, bbox.height + 12 * scale);
  ctx.clip();
  draw(ctx, scale);
  ctx.restore();
}

/** What the marks mean. */
export function marksKey(tries: Try[]): HTMLElement {
  const t = texts();
  const seen = (Object.keys(MARKS) as Result[]).filter((result) =>
    tries.some((tried) => tried.result === result),
  );
  const items = seen.map((result) => {
    const { tone, path } = MARKS[result];
    const mark = svg("path", { d: path, fill: "none", stroke: colour(tone), "stroke-width": 2 });
    return h(
      "span",
      {},
      svg("svg", { viewBox: "-7 -7 14 14", "aria-hidden": "true" }, mark),
      t.results[result],
    );
  });
  return h("div", { class: "marks" }, ...items);
}
