// Services: a table, the dependency graph, and the start-up as a Gantt chart with its critical chain.

import { BAD, columns, command, firstBad, h, isRunning, redraw, s, scrolled, seconds, shortened, tone, empty } from "./dom.js";

export function services(view, { overview }) {
  if (!overview.services.length) { view.replaceChildren(empty("No service has started in this run yet.")); return; }
  redraw(view, () => view.replaceChildren(
    cause(overview),
    h("h2", {}, "Services"), scrolled(table(overview)),
    h("h2", {}, "What needs what"), scrolled(graph(view, overview.services)),
    h("h2", {}, `Start-up${overview.up_s === null ? "" : `: ${seconds(overview.up_s)}`}`), scrolled(gantt(view, overview)),
    h("p", { class: "legend quiet" }, LEGEND.map(([kind, words]) => h("span", {}, s("svg", { width: 12, height: 12, "aria-hidden": "true" }, s("rect", { class: kind, width: 12, height: 12, rx: 2 })), ` ${words}`)), h("span", {}, h("b", { class: "bad" }, "✕"), " was ready, and failed later")),
  ));
}

function cause(overview) {
  const first = firstBad(overview.services);
  if (!first) return h("div", {});
  return h("div", { role: "alert" },
    h("h2", { class: "bad" }, `${first.name}: ${first.state}`),
    h("pre", {}, first.text),
    h("p", {}, "Next: ", isRunning(overview) ? command(`logs ${first.name}`, overview) : h("code", {}, `inv logs ${first.name} --run ${overview.run}`), " or ",
      h("a", { href: `#/logs?service=${encodeURIComponent(first.name)}` }, "its log here"), "."));
}

function table(overview) {
  const chain = new Set(overview.chain);
  const rows = overview.services.map((each) => h("tr", {},
    h("td", {}, h("a", { href: `#/logs?service=${encodeURIComponent(each.name)}` }, each.name)),
    h("td", { class: `state ${tone(each.state)}` }, each.state),
    h("td", { class: "number roomy" }, each.settles !== null && each.starts !== null ? seconds(each.settles - each.starts) : ""),
    h("td", { class: "apart roomy" }, chain.has(each.name) ? "yes" : ""),
    h("td", { class: "quiet" }, each.text.split("\n")[0].slice(0, 160)),
    isRunning(overview) ? h("td", { class: "command" }, command(`restart ${each.name}`, overview)) : null));
  return h("table", {},
    h("thead", {}, h("tr", {}, h("th", {}, "Service"), h("th", {}, "State"), h("th", { class: "number roomy" }, "Time to ready"),
      h("th", { class: "apart roomy" }, "On the critical chain"), h("th", {}, "Last seen"), isRunning(overview) ? h("th", {}, "To restart it, type") : null)),
    h("tbody", {}, rows));
}

function levels(list) {
  const by = new Map(list.map((each) => [each.name, each])), depth = new Map();
  const of = (name, above = []) => {
    if (depth.has(name)) return depth.get(name);
    if (above.includes(name)) return 0;
    const needs = (by.get(name)?.needs ?? []).filter((need) => by.has(need));
    const value = needs.length ? 1 + Math.max(...needs.map((need) => of(need, [...above, name]))) : 0;
    depth.set(name, value);
    return value;
  };
  list.forEach((each) => of(each.name));
  return depth;
}

const LEGEND = [["waits", "waits for what it needs"], ["runs", "starts"], ["chain", "starts, and decides how long the whole start takes"], ["fails", "has failed"]];
const BOX = { width: 150, height: 42 };

// Where each service stands, and the curve between two: from left to right, in a narrow window from top to bottom.
function places(view, list) {
  const depth = levels(list), ranks = [], place = new Map(), { width, height } = BOX;
  for (const each of list) (ranks[depth.get(each.name)] ??= []).push(each);
  if (columns(view, 0, 0).kind === "wide") {
    ranks.forEach((rank, x) => rank.forEach((each, y) => place.set(each.name, [x * (width + 70), y * (height + 16)])));
    return { place, curve: ([x1, y1], [x2, y2]) => bend(x1 + width, y1 + height / 2, x2, y2 + height / 2, (x2 - x1 - width) / 2, 0) };
  }
  const side = Math.max(1, Math.floor((view.clientWidth + 12) / (width + 12)));
  const needed = new Set(list.flatMap((each) => each.needs));
  let y = 0;
  for (const rank of ranks) { // those that others need stand next to them: no curve passes behind a box
    rank.sort((a, b) => needed.has(a.name) - needed.has(b.name));
    rank.forEach((each, i) => place.set(each.name, [(i % side) * (width + 12), y + Math.floor(i / side) * (height + 12)]));
    y += Math.ceil(rank.length / side) * (height + 12) + 24;
  }
  return { place, curve: ([x1, y1], [x2, y2]) => bend(x1 + width / 2, y1 + height, x2 + width / 2, y2, 0, (y2 - y1 - height) / 2) };
}

function bend(x1, y1, x2, y2, dx, dy) {
  return `M${x1},${y1} C${x1 + dx},${y1 + dy} ${x2 - dx},${y2 - dy} ${x2},${y2}`;
}

function graph(view, list) {
  const { place, curve } = places(view, list), { width, height } = BOX;
  const total = [0, 1].map((axis) => Math.max(...[...place.values()].map((at) => at[axis])) + [width, height][axis]);
  const edges = list.flatMap((each) => each.needs.filter((need) => place.has(need)).map((need) => {
    return s("path", { class: "edge", "marker-end": "url(#head)", d: curve(place.get(need), place.get(each.name)) });
  }));
  const boxes = list.map((each) => {
    const [x, y] = place.get(each.name);
    return s("g", {}, s("title", {}, `${each.name}: ${each.state}`),
      s("rect", { class: `box ${tone(each.state)}`, x, y, width, height, rx: 6 }),
      s("text", { x: x + 10, y: y + 18 }, shortened(each.name, 21)), s("text", { class: tone(each.state), x: x + 10, y: y + 34 }, each.state));
  });
  const head = s("marker", { id: "head", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" }, s("path", { class: "head", d: "M0,0.5 L8,4 L0,7.5 Z" }));
  const needs = list.filter((each) => each.needs.length).map((each) => `${each.name} needs ${each.needs.join(", ")}`);
  return s("svg", { viewBox: `-2 -2 ${total[0] + 4} ${total[1] + 4}`, class: "graph", width: total[0] + 4, role: "img", "aria-label": ["Dependency graph", ...needs].join("; ") }, s("defs", {}, head), edges, boxes);
}

function gantt(view, overview) {
  const list = overview.services, last = Math.max(...list.map((each) => each.settles ?? each.starts ?? 0), 0.01);
  const { name, width, kind } = columns(view, 130, 900), row = 24, chain = new Set(overview.chain), x = (t) => name + (t / last) * width;
  const bars = list.flatMap((each, i) => {
    const y = i * row, starts = each.starts ?? each.settles ?? last, ends = each.settles ?? last;
    return [
      s("text", { x: 0, y: y + 16 }, shortened(each.name, 19), s("title", {}, each.name)),
      s("rect", { class: "waits", x: x(each.waits ?? 0), y: y + 5, width: Math.max(x(starts) - x(each.waits ?? 0), 0), height: 14, rx: 3 }, s("title", {}, `${each.name} waited for ${seconds(starts - (each.waits ?? 0))}`)),
      s("rect", { class: BAD.has(each.state) && !each.came_up ? "fails" : chain.has(each.name) ? "chain" : "runs", x: x(starts), y: y + 5, width: Math.max(x(ends) - x(starts), 2), height: 14, rx: 3 }, s("title", {}, `${each.name} took ${seconds(ends - starts)}`)),
      s("text", { class: "quiet", x: x(ends) + 6, y: y + 16 }, seconds(ends - starts), each.fails === null ? null : s("tspan", { class: "bad", dx: 6 }, "✕", s("title", {}, `${each.name} was ready, and ${each.state} at ${seconds(each.fails)}`))),
    ];
  });
  return s("svg", { viewBox: `0 0 ${name + width + 80} ${list.length * row + 6}`, class: kind, width: "100%", role: "img", "aria-label": `Start-up: ${overview.chain.join(", then ")} decided how long it took` }, bars);
}
