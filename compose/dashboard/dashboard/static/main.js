// The page: which view is shown, for which run, kept up to date by server-sent events.

import { ask, firstBad, h, plain, tone, empty } from "./dom.js";
import { services } from "./services.js";

// What draws each view, in the order of the keys 1 to 7; all but the first one are fetched when they are first opened.
const DRAW = {
  services: async () => services,
  logs: async () => (await import("./logs.js")).logs,
  traces: async (id) => (await import("./traces.js"))[id ? "trace" : "traces"],
  metrics: async () => (await import("./metrics.js")).metrics,
  tests: async () => (await import("./records.js")).tests,
  runs: async () => (await import("./records.js")).runs,
  snapshots: async () => (await import("./snapshots.js")).snapshots,
};
const VIEWS = Object.keys(DRAW), SEARCHED = { logs: "words in a line", traces: "words in a name or an address" };
const [view, picker, bar, search, filters] = ["view", "run", "bar", "search", "filters"].map((id) => document.getElementById(id));
let newest = JSON.parse(document.getElementById("newest").textContent), chosen = "", address = null, shown = "", turn = 0;

function route() {
  const [path, search] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, id] = path.split("/");
  return { name: VIEWS.includes(name) ? name : "services", id, query: new URLSearchParams(search ?? "") };
}

// What follows from the address at once, before anything is fetched: the search is there for the keys that come next.
function arrive() {
  if (location.hash === address) return;
  const { name, id, query } = route(), before = shown;
  [address, shown] = [location.hash, `${name}/${id ?? ""}`];
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  bar.hidden = !SEARCHED[name] || Boolean(id);
  search.placeholder = SEARCHED[name] ?? "";
  search.value = query.get("words") ?? "";
  if (before && shown !== before) {
    filters.replaceChildren();
    scrollTo(0, 0);
    view.focus({ preventScroll: true });
  }
  show();
}

// A filter changed: the address says so, and nothing but the view's own list is drawn again.
function keep(query) {
  const set = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  history.replaceState(null, "", `#/${route().name}${set.size ? `?${set}` : ""}`);
  address = location.hash;
}

async function show() {
  const { name, id, query } = route(), mine = ++turn, current = () => mine === turn;
  view.setAttribute("aria-busy", "true");
  const live = !chosen || chosen === newest?.run;
  try {
    const overview = live && newest ? newest : await ask("/api/overview", { run: chosen });
    if (!current()) return;
    head(overview);
    const context = { run: overview.run, overview, query, id, live, current, search, filters, keep, choose };
    const draw = await DRAW[name](id);
    if (current()) await draw(view, context);
  } catch (problem) {
    if (current()) view.replaceChildren(empty(problem.message));
  }
  if (current()) view.setAttribute("aria-busy", "false");
}

function head(overview) {
  document.getElementById("stack").textContent = plain(overview.run.replace(/^\d{8}-\d{6}-/, ""));
  const phase = document.getElementById("phase");
  const bad = ["starting", "up"].includes(overview.phase) ? firstBad(overview.services) : undefined;
  const words = bad ? `${plain(bad.name)} ${bad.state}` : overview.phase;
  phase.textContent = words;
  phase.className = `state ${tone(bad ? bad.state : overview.phase)}`;
  const { spans, dropped, problem } = overview.traces;
  document.getElementById("counters").textContent = `${spans.toLocaleString("en")} spans${dropped ? `, ${dropped.toLocaleString("en")} dropped: ${plain(problem)}` : ""}`;
  document.title = `${words} · ${overview.run}`;
}

async function pick() {
  const all = await ask("/api/runs");
  picker.replaceChildren(h("option", { value: "" }, "the newest"), ...all.map((each) => h("option", { value: each.run }, each.run)));
  picker.value = chosen;
}

function choose(run) {
  chosen = picker.value = run === newest?.run ? "" : run;
}

picker.addEventListener("change", () => { chosen = picker.value; show(); });
addEventListener("hashchange", arrive);
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); view.focus(); });
addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const name = VIEWS[Number(event.key) - 1];
  if (name) location.hash = `#/${name}`;
  arrive(); // the event of a new address comes later than the next key may
  if (event.key === "/" && !bar.hidden) { event.preventDefault(); search.focus(); }
});

// A browser has six connections to a server, for all its tabs: those that nobody sees give theirs back, but for one,
// for which the metrics go on.
let source = null, keeps = false;
function listen() {
  if (document.hidden && !keeps) {
    source?.close();
    source = null;
  } else if (!source) {
    source = new EventSource("/api/events");
    source.onmessage = hear;
    source.onerror = () => {
      const phase = document.getElementById("phase");
      phase.textContent = "not connected";
      phase.className = "state bad";
    };
  }
}

function hear(event) {
  const before = newest;
  newest = JSON.parse(event.data);
  if (!newest) return; // no run is recorded yet
  if (!chosen) head(newest);
  if (!picker.length || before?.run !== newest.run) pick();
  const changed = JSON.stringify({ ...before, traces: 0 }) !== JSON.stringify({ ...newest, traces: 0 });
  if (!before || (changed && route().name === "services" && (!chosen || chosen === newest.run))) show();
}

document.addEventListener("visibilitychange", listen);
navigator.locks?.request("listens", () => new Promise(() => { keeps = true; listen(); }));
listen();
if (!location.hash) history.replaceState(null, "", "#/services");
if (newest) head(newest);
arrive();
