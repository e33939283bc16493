// Traces: a list, slowest or failing first; one trace as a waterfall of its spans.

import { ask, columns, follow, h, redraw, s, scrolled, seconds, shortened, empty } from "./dom.js";

const MOST = 2000, COLOURS = 6, LETTERS = 160;

export function traces(view, context) {
  const { run, query, current, search, filters, keep } = context, list = h("div", {});
  const filter = { words: search.value, order: query.get("order") ?? "recent", background: query.get("background") ?? "" };
  let turn = 0, waiting = null;

  const set = (key, value, pause_ms = 0) => { filter[key] = value; clearTimeout(waiting); waiting = setTimeout(begin, pause_ms); };
  search.oninput = () => set("words", search.value, 250);
  redraw(filters, () => filters.replaceChildren(
    h("label", {}, "Order ", h("select", { onchange: (e) => set("order", e.target.value) },
      ["recent", "slowest", "failed"].map((value) => h("option", { value, selected: value === filter.order }, value)))),
    h("label", { title: "Statements and calls that no request led to, such as a worker's looking for work" },
      h("input", { type: "checkbox", checked: Boolean(filter.background), onchange: (e) => set("background", e.target.checked ? "true" : "") }), " background work")));
  view.replaceChildren(list);

  const begin = () => {
    if (!current()) return;
    keep(filter);
    const mine = ++turn;
    return follow(list, { ...context, current: () => mine === turn && current() }, () => ask("/api/traces", { run, ...filter }), (rows) => list.replaceChildren(
      rows.length ? scrolled(table(rows)) : empty("No trace fits. Services send them every few seconds where ", h("code", {}, "OTEL_EXPORTER_OTLP_ENDPOINT"), " names this dashboard: ", h("code", {}, "inv up --profile observability"), ".")));
  };
  return begin();
}

function table(rows) {
  const slowest = Math.max(...rows.map((row) => row.took_ns), 1);
  return h("table", {},
    h("thead", {}, h("tr", {}, h("th", {}, "Started"), h("th", { class: "roomy" }, "Service"), h("th", {}, "Operation"), h("th", { class: "number roomy" }, "Spans"), h("th", { class: "number" }, "Took"), h("th", { class: "roomy" }, ""))),
    h("tbody", {}, rows.map((row) => h("tr", { class: "pick" },
      h("td", { class: "mono quiet" }, new Date(row.start_ns / 1e6).toISOString().slice(11, 23)),
      h("td", { class: "roomy" }, row.service),
      h("td", { class: "name", title: row.name }, h("a", { href: `#/traces/${row.trace_id}` }, row.failed ? h("span", { class: "bad" }, "failed ") : "", shortened(named(row), LETTERS)),
        h("span", { class: "quiet" }, asked(row)), h("div", { class: "quiet small" }, row.service)),
      h("td", { class: "number roomy" }, row.spans), h("td", { class: "number" }, seconds(row.took_ns / 1e9)),
      h("td", { class: "roomy" }, s("svg", { width: 120, height: 10, "aria-hidden": "true" }, s("rect", { class: row.failed ? "fails" : "runs", width: Math.max((row.took_ns / slowest) * 120, 1), height: 10, rx: 2 })))))));
}

function named({ name }) {
  return name || "(without a name)";
}

// What a request asked for, besides its route, and how it was answered.
function asked({ name, target, status }) {
  return [name.endsWith(target) ? "" : shortened(target, LETTERS), status].map((word) => word && ` ${word}`).join("");
}

export function trace(view, context) {
  const chosen = { span: "" };
  return follow(view, context, () => ask(`/api/traces/${encodeURIComponent(context.id)}`), (spans) => waterfall(view, context.id, spans, chosen));
}

function waterfall(view, id, spans, chosen) {
  const ordered = tree(spans), start = Math.min(...spans.map((each) => each.start_ns)), end = Math.max(...spans.map((each) => each.end_ns));
  const total = Math.max(end - start, 1), row = 22, detail = h("div", {});
  const { name, width, kind, letters } = columns(view, 420, 700);
  const colours = new Map([...new Set(ordered.map(([span]) => span.service))].map((service, i) => [service, `service${i % COLOURS}`]));
  const choose = (span) => { chosen.span = identity(span); show(span); };
  const show = (span) => {
    for (const each of view.querySelectorAll("g[role]")) each.classList.toggle("chosen", each.dataset.span === identity(span));
    detail.replaceChildren(h("h2", {}, `${span.service}: ${shortened(named(span), 4 * LETTERS)}`), h("p", { class: "quiet" }, when(span, start)), ...details(span.details));
  };
  const bars = ordered.flatMap(([span, depth], i) => {
    const x = name + ((span.start_ns - start) / total) * width, w = Math.max(((span.end_ns - span.start_ns) / total) * width, 2), y = i * row;
    return s("g", { tabindex: 0, role: "button", "data-span": identity(span), "aria-label": `${span.service} ${label(span).slice(0, 120)}, ${seconds((span.end_ns - span.start_ns) / 1e9)}`, onclick: () => choose(span), onkeydown: (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); choose(span); } } },
      s("rect", { class: "row", x: 0, y, width: name + width + 90, height: row }),
      s("rect", { class: colours.get(span.service), x: depth * 12, y: y + 4, width: 3, height: 14 }),
      s("text", { x: depth * 12 + 8, y: y + 15 }, shortened(`${span.service} · ${label(span)}`, Math.max(letters - depth * 2, 4))),
      s("rect", { class: span.failed ? "fails" : `runs ${colours.get(span.service)}`, x, y: y + 5, width: w, height: 12, rx: 2 }),
      s("text", { class: "quiet", x: Math.min(x + w + 5, name + width + 20), y: y + 15 }, seconds((span.end_ns - span.start_ns) / 1e9)));
  });
  view.replaceChildren(
    h("p", {}, h("a", { href: "#/traces" }, "All traces"), " · ", h("code", {}, id), " · ", h("a", { href: `#/logs?identity=${id}` }, "its log lines"), " · ", h("code", {}, `inv logs --trace ${id} --run ${spans[0].run}`)),
    ...clocks(ordered),
    spans.length < MOST ? "" : h("p", { class: "quiet" }, `The first ${MOST.toLocaleString("en")} spans; a trace with more is not shown whole.`),
    scrolled(s("svg", { class: kind, viewBox: `0 0 ${name + width + 90} ${ordered.length * row + 4}`, width: "100%" }, bars)), detail);
  show(spans.find((each) => identity(each) === chosen.span) ?? cause(ordered) ?? ordered[0][0]);
}

// What is said where services' clocks differ: their spans are not where they were timed.
function clocks(ordered) {
  const moved = new Map(ordered.filter(([span]) => span.moved_ns).map(([span]) => [span.service, Math.abs(span.moved_ns)]));
  const words = [...moved].map(([service, by_ns]) => `${service} by ${seconds(by_ns / 1e9)}`).join(", ");
  return words ? [h("p", { class: "quiet" }, `Clocks differ: ${words}. Spans stand where their callers waited for them.`)] : [];
}

function when(span, start) {
  const took = seconds((span.end_ns - span.start_ns) / 1e9);
  const clock = span.moved_ns ? `; its clock differs by ${seconds(Math.abs(span.moved_ns) / 1e9)}` : "";
  return (span.start_ns > start ? `${took}, began ${seconds((span.start_ns - start) / 1e9)} after the first` : took) + clock;
}

// What a span says of itself: why it failed, its attributes, its events.
function details({ message, attributes, events, left_out }) {
  return [
    message ? h("pre", { class: "bad" }, message) : "", pairs(attributes ?? {}),
    ...(events ?? []).flatMap(({ name, at_ns, ...more }) => [h("h3", {}, name), pairs(more)]),
    ...Object.entries(left_out ?? {}).filter(([, count]) => count).map(([what, count]) => h("p", { class: "quiet" }, `${count.toLocaleString("en")} more ${what} are not kept.`)),
  ];
}

function pairs(values) {
  const rows = Object.entries(values).map(([key, value]) => h("tr", {}, h("th", { scope: "row" }, key), h("td", { class: "value" }, typeof value === "object" ? JSON.stringify(value) : value)));
  return rows.length ? scrolled(h("table", { class: "pairs" }, h("tbody", {}, rows))) : "";
}

// The failed span that lies deepest: those above it failed because of it.
function cause(ordered) {
  return ordered.filter(([span]) => span.failed).sort(([, a], [, b]) => b - a)[0]?.[0];
}

// A database's span by its statement: where, not only that it was asked.
function label(span) {
  const { "db.statement": old, "db.query.text": text } = span.details.attributes ?? {};
  const statement = withoutColumns(String(text ?? old ?? "").replace(/\s+/g, " "));
  return span.name && statement.startsWith(span.name) ? statement : [named(span), statement].filter(Boolean).join(" ");
}

// A query without what it selects: from its own FROM on, not from that of a part in brackets.
function withoutColumns(statement) {
  let depth = 0;
  for (const { 0: found, index } of statement.startsWith("SELECT ") ? statement.matchAll(/[()]| FROM /g) : []) {
    depth += { "(": 1, ")": -1 }[found] ?? 0;
    if (found === " FROM " && depth === 0) return `SELECT …${statement.slice(index)}`;
  }
  return statement;
}

// What no other span of its trace has: some tracers give both ends of a call one id.
function identity(span) {
  return `${span.service} ${span.span_id}`;
}

function tree(spans) {
  const ids = new Set(spans.map((each) => each.span_id)), below = new Map();
  for (const each of spans) {
    const parent = ids.has(each.parent_id) && each.parent_id !== each.span_id ? each.parent_id : "";
    (below.get(parent) ?? below.set(parent, []).get(parent)).push(each);
  }
  const rows = [], done = new Set();
  const walk = (parent, depth) => {
    for (const each of below.get(parent) ?? []) {
      if (done.has(identity(each))) continue;
      done.add(identity(each));
      rows.push([each, depth]);
      walk(each.span_id, Math.min(depth + 1, 12));
    }
  };
  walk("", 0);
  for (const each of spans) if (!done.has(identity(each))) rows.push([each, 0]);
  return rows;
}
