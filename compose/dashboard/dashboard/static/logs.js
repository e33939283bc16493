// Logs: the last lines of every service, filtered, live, linked to their traces; older ones page by page.

import { ask, h, redraw, empty } from "./dom.js";

const PAGE = 300;

export function logs(view, { run, overview, query, live, current }) {
  const filter = { service: query.get("service") ?? "", words: query.get("words") ?? "", level: query.get("level") ?? "", identity: query.get("identity") ?? "" };
  const list = h("div", { class: "lines", role: "log", "aria-label": "Log lines" });
  const older = h("button", { onclick: () => more(), hidden: true }, "Older lines");
  const follow = h("input", { type: "checkbox", id: "follow", checked: live });
  const note = h("p", { class: "quiet" });
  let first = "", last = "", stopped = false, waiting = null;

  const change = () => {
    const set = new URLSearchParams(Object.entries(filter).filter(([, value]) => value));
    location.replace(`#/logs?${set}`);
  };
  const later = (apply) => (event) => { apply(event.target.value); clearTimeout(waiting); waiting = setTimeout(change, 250); };
  const choose = (label, values, key) => h("label", {}, label + " ", h("select", { onchange: (e) => { filter[key] = e.target.value; change(); } },
    h("option", { value: "" }, "all"), values.map((value) => h("option", { value, selected: filter[key] === value }, value))));

  redraw(view, () => view.replaceChildren(
    h("div", { class: "bar", role: "search" },
      h("label", {}, "Search ", h("input", { type: "search", id: "search", value: filter.words, placeholder: "words in a line", oninput: later((v) => { filter.words = v; }) })),
      h("label", {}, "Id ", h("input", { type: "search", value: filter.identity, placeholder: "request or trace id", oninput: later((v) => { filter.identity = v; }) })),
      choose("Service", overview.services.map((each) => each.name), "service"),
      choose("Level", ["debug", "info", "warning", "error"], "level"),
      h("label", {}, follow, " follow")),
    older, list, note));

  const asked = (extra) => ask("/api/logs", { run, service: filter.service, words: filter.words, level: filter.level, identity: filter.identity, limit: PAGE, ...extra });
  const more = async () => {
    const rows = await asked({ before: first });
    list.prepend(...rows.map(line));
    if (rows.length) first = rows[0].at;
    older.hidden = rows.length < PAGE;
  };
  const next = async () => {
    const rows = await asked(last ? { after: last } : {});
    if (!last && !rows.length) note.textContent = "No line fits.";
    if (rows.length) {
      note.textContent = "";
      if (!first) { first = rows[0].at; older.hidden = rows.length < PAGE; }
      last = rows.at(-1).at;
      list.append(...rows.map(line));
      while (list.childElementCount > 5000) list.firstChild.remove();
      if (follow.checked) list.lastChild.scrollIntoView({ block: "end" });
    }
  };
  const loop = async () => {
    try { await next(); } catch (problem) { list.append(empty(problem.message)); return; }
    if (!stopped && current() && live) setTimeout(loop, follow.checked ? 500 : 2000);
  };
  loop();
  return () => { stopped = true; };
}

function line(row) {
  const ids = [];
  if (row.trace_id) ids.push(h("a", { href: `#/traces/${row.trace_id}` }, "trace"));
  if (row.request_id) ids.push(" ", h("a", { href: `#/logs?identity=${encodeURIComponent(row.request_id)}`, title: row.request_id }, "request"));
  return h("div", { class: row.level }, h("span", { class: "quiet" }, row.at.slice(11, 23)), h("span", {}, row.service),
    h("span", { class: "level" }, row.level), h("span", { class: "text" }, row.exception ? `${row.text}\n${row.exception}` : row.text), h("span", { class: "ids" }, ids));
}
