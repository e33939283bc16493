// Snapshots of the data of a run's stack, and their age.

import { ask, command, follow, h, scrolled, empty } from "./dom.js";

const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

export function snapshots(view, context) {
  const look = async () => (await ask("/api/snapshots", { run: context.run })).map((each) => ({ ...each, age: age(Date.now() / 1000 - each.created) }));
  return follow(view, context, look, (all) => draw(view, all, context.overview));
}

function draw(view, all, overview) {
  if (!all.length) return view.replaceChildren(empty("No snapshot is recorded. To take one of Postgres and Redis, type ", command("snapshot save NAME", overview), "."));
  view.replaceChildren(
    h("p", { class: "quiet" }, "Copies of Postgres and Redis, each of one moment. To take another one, type ", command("snapshot save NAME", overview), "."),
    scrolled(h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Snapshot"), h("th", { class: "number" }, "Age"), h("th", { class: "number" }, "Size"), h("th", { class: "apart roomy" }, "Git branch"), h("th", {}, "To restore it, type"))),
      h("tbody", {}, all.map((each) => h("tr", {},
        h("td", {}, each.name),
        h("td", { class: "number" }, h("time", { datetime: time(each.created), title: time(each.created) }, each.age)),
        h("td", { class: "number" }, size(each.size_bytes)),
        h("td", { class: "apart roomy" }, each.branch || "none"),
        h("td", { class: "command" }, command(`snapshot restore ${each.name}`, overview))))))));
}

function age(value_s) {
  const [unit, length] = UNITS.find(([, length]) => value_s >= length) ?? UNITS.at(-1);
  return `${Math.max(Math.floor(value_s / length), 0)} ${unit}`;
}

function time(seconds) {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

function size(bytes) {
  return bytes === null ? "" : bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(0)} MiB` : `${(bytes / 1024).toFixed(0)} KiB`;
}
