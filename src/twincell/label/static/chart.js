// Charts in SVG, in the page's colours: a series with its band, and rates with their limits.
import { h, s, number } from "./dom.js";

const SPACE = { left: 40, right: 14, top: 10, bottom: 30 };

function scale(from, to, low, high) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

/** Round numbers between two ends. */
export function ticks(low, high, most = 5) {
  const span = high - low || 1;
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => span / size <= most);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) found.push(Math.round(value / step) * step);
  return found;
}

function runs(values) {
  const found = [];
  let run = [];
  values.forEach((value, i) => {
    if (value === null) { if (run.length) found.push(run); run = []; } else run.push(i);
  });
  return run.length ? [...found, run] : found;
}

/**
 * A series: band, line, what each image alone says, what people counted.
 * Options: width, height, small (no axes but the ends), open (called with a place that is clicked).
 */
export function series(curve, { width = 900, height = 320, small = false, open = null } = {}) {
  const space = small ? { left: 22, right: 6, top: 6, bottom: 16 } : SPACE;
  const known = curve.x.map((_, i) => Math.max(curve.upper[i] ?? 0, curve.counted[i] ?? 0, small ? 0 : curve.count_frame[i] ?? 0));
  const high = Math.max(4, ...known) * 1.05;
  const x = scale(space.left, width - space.right, curve.x[0], curve.x.at(-1));
  const y = scale(height - space.bottom, space.top, 0, high);
  const line = (at, values) => at.map((i, k) => `${k ? "L" : "M"}${x(curve.x[i]).toFixed(1)} ${y(values[i]).toFixed(1)}`).join("");
  const chart = s("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": `${curve.name}: cells over time, ${number(curve.count[0])} at first, ${number(curve.count.at(-1))} at last` });
  for (const value of ticks(0, high, small ? 2 : 5)) {
    chart.append(s("line", { class: "grid", x1: space.left, x2: width - space.right, y1: y(value), y2: y(value) }),
      s("text", { x: space.left - 5, y: y(value) + 4, "text-anchor": "end" }, String(value)));
  }
  const marks = small ? [curve.x[0], curve.x.at(-1)] : ticks(curve.x[0], curve.x.at(-1), 8);
  for (const value of marks) chart.append(s("text", { x: x(value), y: height - (small ? 3 : 12), "text-anchor": value === marks[0] && small ? "start" : small ? "end" : "middle" }, number(value, 1)));
  if (!small) chart.append(s("text", { x: width - space.right, y: height - 0.5, "text-anchor": "end" }, curve.unit === "h" ? "hours" : "frame"));
  for (const at of runs(curve.upper)) {
    chart.append(s("path", { class: "band", d: `${line(at, curve.upper)}${line([...at].reverse(), curve.lower).replace("M", "L")}Z` }));
  }
  if (!small) curve.count_frame.forEach((value, i) => { if (value !== null) chart.append(s("circle", { class: "alone", cx: x(curve.x[i]), cy: y(value), r: 1.4 })); });
  for (const at of runs(curve.count)) chart.append(s("path", { class: "model", d: line(at, curve.count) }));
  curve.counted.forEach((value, i) => { if (value !== null) chart.append(s("circle", { class: "you", cx: x(curve.x[i]), cy: y(value), r: small ? 2.6 : 4 })); });
  if (open) pointed(chart, curve, x, { space, width, height, open });
  return chart;
}

function pointed(chart, curve, x, { space, width, height, open }) {
  const line = s("line", { class: "hover", y1: space.top, y2: height - space.bottom, visibility: "hidden" });
  const text = s("text", { y: space.top + 4, visibility: "hidden" });
  chart.append(line, text);
  const nearest = (event) => {
    const box = chart.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * width;
    let best = 0;
    curve.x.forEach((value, i) => { if (Math.abs(x(value) - at) < Math.abs(x(curve.x[best]) - at)) best = i; });
    return best;
  };
  chart.addEventListener("pointermove", (event) => {
    const i = nearest(event);
    const left = x(curve.x[i]);
    line.setAttribute("x1", left);
    line.setAttribute("x2", left);
    text.setAttribute("x", left > width / 2 ? left - 6 : left + 6);
    text.setAttribute("text-anchor", left > width / 2 ? "end" : "start");
    text.textContent = `frame ${curve.frames[i]}: ${number(curve.count[i])} (${number(curve.lower[i], 0)} to ${number(curve.upper[i], 0)})${curve.counted[i] === null ? "" : `, counted ${curve.counted[i]}`}${curve.flag[i] ? `, ${curve.flag[i]}` : ""}`;
    for (const one of [line, text]) one.setAttribute("visibility", "visible");
  });
  chart.addEventListener("pointerleave", () => { for (const one of [line, text]) one.setAttribute("visibility", "hidden"); });
  chart.addEventListener("click", (event) => open(nearest(event)));
  chart.style.cursor = "pointer";
}

/** Rates with their limits, one row a chamber. */
export function rates(rows, unit) {
  const known = rows.filter((row) => row.rate !== null);
  const [width, step, left] = [620, 24, 170];
  const height = 34 + step * known.length;
  const lows = known.map((row) => row.rate_low ?? row.rate);
  const highs = known.map((row) => row.rate_high ?? row.rate);
  const [low, high] = [Math.min(0, ...lows), Math.max(0, ...highs)];
  const x = scale(left, width - 20, low - 0.04 * (high - low || 1), high + 0.04 * (high - low || 1));
  const chart = s("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": "growth rates with their 95 % limits" });
  for (const value of ticks(low, high, 5)) {
    chart.append(s("line", { class: value === 0 ? "zero" : "grid", x1: x(value), x2: x(value), y1: 6, y2: height - 26 }),
      s("text", { x: x(value), y: height - 12, "text-anchor": "middle" }, number(value, 4)));
  }
  chart.append(s("text", { x: width - 20, y: height - 1, "text-anchor": "end" }, `per ${unit === "h" ? "hour" : "frame"}`));
  known.forEach((row, i) => {
    const at = 18 + step * i;
    const kind = row.verdict === "growing" ? "" : " other";
    chart.append(s("text", { x: left - 10, y: at + 4, "text-anchor": "end" }, row.condition ? `${row.chamber} · ${row.condition}` : row.chamber),
      s("line", { class: `bar${kind}`, x1: x(row.rate_low ?? row.rate), x2: x(row.rate_high ?? row.rate), y1: at, y2: at }),
      s("circle", { class: `dot${kind}`, cx: x(row.rate), cy: at, r: 4.5 }));
  });
  return chart;
}

export const legend = () => h("ul.legend", {}, h("li", {}, "count from the whole series"), h("li.band", {}, "90 % interval"), h("li.alone", {}, "each image alone"), h("li.you", {}, "counted by people"));
