/** How lines, areas and limits are drawn: colours come from the tokens at each drawing. */
import uPlot from "uplot";
import type { Limit, Line } from "./shapes";

/** A token's text, such as the fonts. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Asked for colours: a token alone does not say which of its two is on. */
const probe = document.createElement("i");

/** The colour that a token stands for now, as `rgb(12, 34, 56)`, which a canvas takes. */
export function colorOf(name: string): string {
  if (!probe.isConnected) {
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

/** The same with an opacity. */
function faded(color: string, part: number): string {
  return color.replace(/^rgb\((.*)\)$/, `rgba($1, ${part})`);
}

/** Hatching as the bars have it. */
function hatching(color: string): CanvasPattern | string {
  const tile = document.createElement("canvas");
  tile.width = 8;
  tile.height = 8;
  const pen = tile.getContext("2d");
  if (pen === null) return color;
  pen.fillStyle = faded(color, 0.55);
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = color;
  pen.lineWidth = 3;
  for (const shift of [-8, 0, 8]) {
    pen.beginPath();
    pen.moveTo(shift - 2, 10);
    pen.lineTo(shift + 10, -2);
    pen.stroke();
  }
  return pen.createPattern(tile, "repeat") ?? color;
}

export function lineOptions(line: Line, isStacked: boolean, nPoints: number): uPlot.Series {
  const fill = line.fill ?? (isStacked ? "solid" : "none");
  return {
    label: line.label,
    width: isStacked ? 0 : 1.4,
    // A hundred points have room for marks of single ones between gaps.
    points: { show: nPoints < 3 },
    stroke: () => colorOf(line.color),
    fill: () => {
      const color = colorOf(line.color);
      if (fill === "none") return "transparent";
      if (fill === "tint") return faded(color, 0.13);
      // The pattern's type is missing in the library's declarations; the canvas takes it.
      return (line.isHatched ? hatching(color) : color) as string;
    },
  };
}

/** Dashed lines across, with their names at the right end. */
export function drawLimits(u: uPlot, limits: readonly Limit[]): void {
  const { ctx, bbox } = u;
  const ratio = uPlot.pxRatio;
  for (const limit of limits) {
    const y = Math.round(u.valToPos(limit.at, "y", true)) + 0.5;
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.save();
    ctx.strokeStyle = colorOf(limit.role === "bad" ? "--bad" : "--text3");
    ctx.fillStyle = ctx.strokeStyle;
    ctx.lineWidth = ratio;
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `${11 * ratio}px ${token("--sans")}`;
    ctx.textAlign = "right";
    ctx.textBaseline = "bottom";
    ctx.fillText(limit.text, bbox.left + bbox.width - 4 * ratio, y - 2 * ratio);
    ctx.restore();
  }
}
