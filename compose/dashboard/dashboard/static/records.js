// Test results of a run, and earlier runs side by side.

import { ask, follow, h, scrolled, seconds, tone, empty } from "./dom.js";

export function tests(view, context) {
  return follow(view, context, () => ask("/api/tests", { run: context.run }), (all) => results(view, all));
}

function results(view, all) {
  if (!all.length) return view.replaceChildren(empty("No tests are recorded in this run. Type ", h("code", {}, "inv test"), " or ", h("code", {}, "nox -s integration"), "."));
  const failed = all.filter((each) => each.outcome === "failed");
  const order = [...failed, ...all.filter((each) => each.outcome !== "failed").sort((a, b) => b.seconds - a.seconds)];
  view.replaceChildren(
    h("h2", { class: failed.length ? "bad" : "good" }, failed.length ? `${failed.length} of ${all.length} failed` : `${all.length} passed`),
    scrolled(h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Test"), h("th", {}, "Outcome"), h("th", { class: "number" }, "Took"), h("th", {}, ""))),
      h("tbody", {}, order.map((each) => h("tr", {},
        h("td", { class: "name" }, each.name, h("div", { class: "quiet" }, each.file), each.text ? h("pre", {}, each.text) : ""),
        h("td", { class: `state ${tone(each.outcome)}` }, each.outcome),
        h("td", { class: "number" }, seconds(each.seconds)),
        h("td", {}, each.trace_id ? h("a", { href: `#/traces/${each.trace_id}` }, "trace") : "", " ", each.trace_id ? h("a", { href: `#/logs?identity=${each.trace_id}` }, "logs") : "")))))));
}

export function runs(view, context) {
  return follow(view, context, () => ask("/api/runs"), (all) => sideBySide(view, all, context));
}

function sideBySide(view, all, { choose, overview }) {
  if (!all.length) return view.replaceChildren(empty("No run is recorded yet."));
  const names = columnsOf(all, overview.services.map((each) => each.name));
  const same = (one, other) => String(Object.keys(one.services).sort()) === String(Object.keys(other.services).sort());
  const before = all.map((each, index) => all.slice(index + 1).find((other) => same(each, other)));
  const cell = (value, earlier) => {
    if (value === undefined) return h("td", { class: "number quiet" }, "");
    const slower = earlier !== undefined && value > earlier * 1.3 && value - earlier > 0.05;
    return h("td", { class: `number ${slower ? "bad" : ""}`, title: slower ? `slower: ${seconds(earlier)} before` : "" }, seconds(value), slower ? " ▲" : "");
  };
  view.replaceChildren(h("p", { class: "quiet" }, "▲ took over 1.3 times as long as in the run before with the same services."),
    scrolled(h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Run"), h("th", {}, "Phase"), h("th", { class: "number" }, "Tests"), h("th", { class: "number" }, "Failed"), h("th", { class: "number" }, "Up in"), names.map((name) => h("th", { class: "number service" }, name)))),
      h("tbody", {}, all.map((each, index) => h("tr", {}, h("td", { class: "run-name" }, h("a", { href: "#/services", class: "mono", onclick: () => choose(each.run) }, each.run)), h("td", {}, each.phase), h("td", { class: "number" }, each.tests || ""),
        h("td", { class: `number ${each.failed ? "bad" : ""}` }, each.failed || ""), cell(each.up_s ?? undefined, before[index]?.up_s ?? undefined),
        names.map((name) => cell(each.services[name], before[index]?.services[name]))))))));
}

// The services of the runs that have one in common with the run that is shown: other stacks' have no columns.
function columnsOf(all, shown) {
  const names = all.map((each) => Object.keys(each.services)), related = names.filter((each) => each.some((name) => shown.includes(name)));
  return [...new Set((related.length ? related : names).flat())];
}
