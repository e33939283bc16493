// The page: which view is shown, for which run, kept up to date by server-sent events.

import { ask, h, plain, tone, empty } from "./dom.js";
import { services } from "./services.js";
import { logs } from "./logs.js";
import { traces, trace } from "./traces.js";
import { metrics } from "./metrics.js";
import { tests, runs } from "./records.js";
import { snapshots } from "./snapshots.js";

const VIEWS = ["services", "logs", "traces", "metrics", "tests", "runs", "snapshots"];
const view = document.getElementById("view"), picker = document.getElementById("run");
let newest = null, chosen = "", leave = null, shown = "", turn = 0;

function route() {
  const [path, search] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, id] = path.split("/");
  return { name: VIEWS.includes(name) ? name : "services", id, query: new URLSearchParams(search ?? "") };
}

async function show() {
  const { name, id, query } = route(), mine = ++turn, current = () => mine === turn;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  leave?.();
  leave = null;
  const live = !chosen || chosen === newest?.run;
  try {
    const overview = live && newest ? newest : await ask("/api/overview", { run: chosen });
    if (!current()) return;
    const context = { run: overview.run, overview, query, id, live, current };
    const done = await { services, logs, traces: id ? trace : traces, metrics, tests, runs, snapshots }[name](view, context);
    if (current()) leave = done ?? null;
    else done?.();
  } catch (problem) {
    if (current()) view.replaceChildren(empty(problem.message));
  }
}

function head(overview) {
  document.getElementById("stack").textContent = plain(overview.run.replace(/^\d{8}-\d{6}-/, ""));
  const phase = document.getElementById("phase");
  phase.textContent = overview.phase;
  phase.className = `state ${tone(overview.phase)}`;
  const { spans, dropped } = overview.traces;
  document.getElementById("counters").textContent = `${spans.toLocaleString("en")} spans${dropped ? `, ${dropped.toLocaleString("en")} dropped` : ""}`;
  document.title = `${overview.phase} · ${overview.run}`;
}

async function pick() {
  const all = await ask("/api/runs");
  picker.replaceChildren(h("option", { value: "" }, "the newest"), ...all.map((each) => h("option", { value: each.run }, each.run)));
  picker.value = chosen;
}

picker.addEventListener("change", () => { chosen = picker.value; show(); });
addEventListener("hashchange", () => {
  const { name, id } = route(), before = shown;
  shown = `${name}/${id ?? ""}`;
  if (shown !== before) { // else a filter changed: the field keeps the keyboard
    scrollTo(0, 0);
    view.focus({ preventScroll: true });
  }
  show();
});
addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") { event.preventDefault(); document.getElementById("search")?.focus(); }
  const name = VIEWS[Number(event.key) - 1];
  if (name) location.hash = `#/${name}`;
});

const source = new EventSource("/api/events");
source.onmessage = (event) => {
  const before = newest;
  newest = JSON.parse(event.data);
  head(newest);
  if (before?.run !== newest.run) pick();
  const changed = JSON.stringify({ ...before, traces: 0 }) !== JSON.stringify({ ...newest, traces: 0 });
  if (!before || (changed && route().name === "services" && (!chosen || chosen === newest.run))) show();
};
source.onerror = () => {
  const phase = document.getElementById("phase");
  phase.textContent = "not connected";
  phase.className = "state bad";
};
if (!location.hash) history.replaceState(null, "", "#/services");
shown = `${route().name}/${route().id ?? ""}`;
show();
