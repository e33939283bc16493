// Logs: the last lines of every service, filtered, live, linked to their traces; older ones page by page.

import { ask, h, redraw, empty } from "./dom.js";

const PAGE = 300;

export function logs(view, { run, overview, query, live, current, search, filters, keep }) {
  const filter = { service: query.get("service") ?? "", words: search.value, level: query.get("level") ?? "", identity: query.get("identity") ?? "" };
  const list = h("div", { class: "lines", role: "log", "aria-label": "Log lines" });
  const older = h("button", { onclick: () => more(), hidden: true }, "Older lines");
  const follow = h("input", { type: "checkbox", id: "follow", checked: live });
  const note = h("div", { class: "quiet" });
  let begun = false, turn = 0, asking = false, waiting = null;

  const set = (key, pause_ms) => ({ target }) => { filter[key] = target.value; clearTimeout(waiting); waiting = setTimeout(begin, pause_ms); };
  const choose = (label, values, key) => h("label", {}, label + " ", h("select", { onchange: set(key, 0) },
    h("option", { value: "" }, "all"), values.map((value) => h("option", { value, selected: filter[key] === value }, value))));

  search.oninput = set("words", 250);
  redraw(filters, () => filters.replaceChildren(
    h("label", {}, "Id ", h("input", { type: "search", value: filter.identity, placeholder: "request or trace id", oninput: set("identity", 250) })),
    choose("Service", overview.services.map((each) => each.name), "service"),
    choose("Level", ["debug", "info", "warning", "error"], "level"),
    h("label", {}, follow, " follow")));
  view.replaceChildren(older, list, note);

  const asked = (extra) => ask("/api/logs", { run, ...filter, limit: PAGE, ...extra });
  const more = async () => {
    if (asking) return;
    asking = true;
    const { at, texts } = edge(list.children), mine = turn;
    const rows = await asked({ before: at, seen: texts.length }).catch((problem) => { note.textContent = problem.message; return []; });
    asking = false;
    if (mine !== turn) return; // the filter changed
    list.prepend(...rows.map(line));
    older.hidden = rows.length < PAGE;
  };
  const add = (rows) => {
    if (!begun) { list.replaceChildren(); older.hidden = rows.length < PAGE; }
    note.textContent = begun || rows.length ? "" : "No line fits.";
    const lines = unseen(rows.map(line), edge([...list.children].reverse()));
    if (!lines.length) return;
    lines[0].classList.toggle("gap", begun && rows.length === PAGE && lines.length === PAGE);
    begun = true;
    list.append(...lines);
    while (list.childElementCount > 5000) list.firstChild.remove();
    if (follow.checked) list.lastChild.scrollIntoView({ block: "end" });
  };
  const loop = async (mine) => {
    if (mine !== turn || !current()) return;
    const rows = await asked(begun ? { after: list.lastChild.dataset.at } : {}).catch((problem) => problem);
    if (mine !== turn || !current()) return;
    if (rows instanceof Error) note.replaceChildren(empty(rows.message));
    else add(rows);
    if (live) setTimeout(() => loop(mine), follow.checked ? 500 : 2000);
  };
  const begin = () => {
    if (!current()) return;
    keep(filter);
    begun = false;
    return loop(++turn);
  };
  return begin();
}

// The time of the first of some lines, and the texts of those that follow with the same time.
function edge(lines) {
  const at = lines[0]?.dataset.at, end = [...lines].findIndex((each) => each.dataset.at !== at);
  return { at, texts: [...lines].slice(0, end < 0 ? undefined : end).map((each) => each.textContent) };
}

// The lines that are not shown yet: of those with the time of the last one that is, some may be.
function unseen(lines, { at, texts }) {
  const left = [...texts];
  return lines.filter((each) => {
    const index = each.dataset.at === at ? left.indexOf(each.textContent) : -1;
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

function line(row) {
  const ids = [];
  if (row.trace_id) ids.push(h("a", { href: `#/traces/${row.trace_id}` }, "trace"));
  if (row.request_id) ids.push(" ", h("a", { href: `#/logs?identity=${encodeURIComponent(row.request_id)}`, title: row.request_id }, "request"));
  return h("div", { class: row.level, "data-at": row.at }, h("span", { class: "quiet" }, row.at.slice(11, 23)), h("span", {}, row.service),
    h("span", { class: "level" }, row.level), h("span", { class: "text" }, row.exception ? `${row.text}\n${row.exception}` : row.text), h("span", { class: "ids" }, ids));
}
