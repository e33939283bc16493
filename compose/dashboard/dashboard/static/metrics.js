// Metrics as small pictures: what each service does, and the state of the shop, over the last minutes.

import { ask, follow, h, plain, s, seconds, empty } from "./dom.js";

const WIDTH = 220, HEIGHT = 44, LEAST_S = 60;

export function metrics(view, context) {
  if (!context.live) return view.replaceChildren(empty("Metrics are those of the stack that runs now. Choose the newest run."));
  return follow(view, context, () => ask("/api/metrics"), (all) => draw(view, all));
}

function draw(view, all) {
  if (!all.services.length) return view.replaceChildren(empty("No service counts what it does. ", h("code", {}, "--profile observability"), " starts the stack with metrics."));
  const times = [...all.services, { charts: all.shop }].flatMap((each) => each.charts.flatMap((chart) => chart.points.map(([at]) => at)));
  const first = Math.max(Math.min(...times), all.now - 600), range = { from: Math.min(first, all.now - LEAST_S), to: all.now, gap_s: all.window_s };
  view.replaceChildren(
    h("p", { class: "quiet" }, `The last ${span(range)}. Services are asked every 5 s while this page is open; rates, errors and percentiles are those of ${all.window_s} s.`),
    ...all.services.map((each) => group(each.name, each, range)),
    ...(all.shop.length ? [group("the shop", { problem: "", charts: all.shop }, range)] : []));
}

function group(name, { problem, charts }, range) {
  const words = problem ? h("p", { class: "bad" }, `${name} does not give its metrics: ${problem}`)
    : charts.length ? null : h("p", { class: "quiet" }, range.to ? "It counts nothing that is drawn here." : "Not asked yet.");
  return h("section", { "aria-label": name }, h("h2", {}, name), words,
    h("div", { class: "charts" }, charts.map((chart) => picture(name, chart, range))));
}

// What makes a value bad: that there are errors at all.
const isBad = (chart, value) => chart.unit === "share" && value > 0;

function picture(name, chart, range) {
  const now = chart.points.at(-1)?.[1] ?? null, values = chart.points.map(([, value]) => value ?? 0), most = Math.max(...values);
  const label = `${plain(name)}, ${plain(chart.title)}: ${shown(now, chart.unit)} now, peak ${shown(most, chart.unit)} in the last ${span(range)}`;
  return h("figure", { class: isBad(chart, now) ? "bad" : "" },
    h("figcaption", {}, chart.title), h("strong", {}, shown(now, chart.unit)),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, s("title", {}, label), lines(chart, range, most)),
    h("span", { class: "quiet" }, `peak ${shown(most, chart.unit)}`));
}

// A line and the area below it for each stretch without a gap: the service was silent, or nobody looked.
function lines(chart, { from, to, gap_s }, most) {
  const x = (at) => ((at - from) / (to - from)) * WIDTH, y = (value) => HEIGHT - 2 - (most > 0 ? value / most : 0) * (HEIGHT - 6);
  return stretches(chart.points, gap_s).flatMap((stretch) => {
    const path = stretch.map(([at, value], i) => `${i ? "L" : "M"}${x(at).toFixed(1)},${y(value).toFixed(1)}`).join("");
    const [left, right] = [x(stretch[0][0]), x(stretch.at(-1)[0])].map((each) => each.toFixed(1));
    if (stretch.length === 1) return [s("path", { class: "line dot", d: `${path}h0.1` })];
    return [s("path", { class: "area", d: `${path}L${right},${HEIGHT}L${left},${HEIGHT}Z` }), s("path", { class: "line", d: path })];
  });
}

function stretches(points, gap_s) {
  const all = [];
  let before = null;
  for (const point of points) {
    if (point[1] === null) { before = null; continue; }
    if (before === null || point[0] - before > gap_s) all.push([]);
    all.at(-1).push(point);
    before = point[0];
  }
  return all;
}

function shown(value, unit) {
  if (value === null) return "none";
  if (unit === "seconds") return value ? seconds(value) : "0 s";
  if (unit === "share") return `${(value * 100).toFixed(value && value < 0.1 ? 1 : 0)} %`;
  if (unit === "per second") return `${value.toFixed(value && value < 10 ? 1 : 0)} /s`;
  return value.toLocaleString("en");
}

function span({ from, to }) {
  const minutes = Math.round((to - from) / 60);
  return minutes > 1 ? `${minutes} minutes` : "minute";
}
