// Elements from data. Text is always set as text, never as markup: logs and spans come from anywhere.

const SVG = "http://www.w3.org/2000/svg";
// Bidirectional controls and other invisible characters are shown as escapes, so that no line lies about itself.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/gu;

export function plain(value) {
  return String(value ?? "").replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "")
    .replace(HIDDEN, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function s(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(plain(child)));
  }
  return element;
}

export async function ask(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== "" && each !== null && each !== undefined) query.append(key, each);
  }
  const response = await fetch(`${path}?${query}`, { headers: { accept: "application/json" } }).catch(() => {
    throw new Error("The dashboard does not answer: `inv ps` says whether its stack is up.");
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.title ?? `HTTP ${response.status}`);
  return answer;
}

// Draws, and puts the keyboard back to where it was: on the same span or link, else on what has its place.
export function redraw(view, draw) {
  const all = () => [...view.querySelectorAll("a, button, input, select, [tabindex='0']")];
  const name = (element) => element?.dataset.span ?? element?.getAttribute("href");
  const at = all().indexOf(document.activeElement), before = name(all()[at]);
  draw();
  const now = all(), same = name(now[at]) === before;
  const again = at < 0 || same ? now[at] : now.find((each) => name(each) === before) ?? now[at];
  again?.focus({ preventScroll: true });
  if (again?.type === "search") again.setSelectionRange(again.value.length, again.value.length);
}

// Draws what `look` returns, and again whenever it differs while the run is live and the view is the current one.
export async function follow(view, { live, current }, look, draw) {
  let before = "";
  const turn = async () => {
    const now = await look().catch((problem) => ({ problem: problem.message }));
    if (!current()) return;
    const text = JSON.stringify(now);
    if (text !== before) redraw(view, () => (now.problem ? view.replaceChildren(empty(now.problem)) : draw(now)));
    before = text;
    if (live) setTimeout(turn, 2000);
  };
  await turn();
}

export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 0.001) return `${(value * 1e6).toFixed(0)} µs`;
  if (value < 1) return `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms`;
  return value < 120 ? `${value.toFixed(2)} s` : `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
}

// What does not fit into a picture: there is no room for more letters, and text in SVG does not wrap.
export function shortened(value, letters) {
  const text = plain(value);
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

export const BAD = new Set(["exited", "unhealthy", "timed out", "port taken", "dependency failed", "failed"]);
export const GOOD = new Set(["ready", "completed", "up", "passed"]);
export function tone(state) {
  return GOOD.has(state) ? "good" : BAD.has(state) ? "bad" : state === "down" || state === "stopped" ? "quiet" : "busy";
}

// The service that is not well, the cause before what followed from it; undefined where all are well.
export function firstBad(services) {
  const bad = services.filter((each) => BAD.has(each.state));
  return bad.find((each) => each.state !== "dependency failed") ?? bad[0];
}

// A table that scrolls within itself where the window is narrow.
export function scrolled(table) {
  return h("div", { class: "scrolled" }, table);
}

// How wide a chart's names and bars are: it fits into its window, in a narrow one with shorter names.
export function columns(view, name, width) {
  const room = view.clientWidth, narrow = room > 0 && room < 700;
  return narrow ? { name: Math.min(name, 150), width: room - 225, kind: "narrow", letters: 22 } : { name, width: room > 0 ? Math.min(width, room - name - 90) : width, kind: "wide", letters: 58 };
}

// What to type about a run: a running stack is named unless it is the one that `inv` means by itself.
export function command(words, { stack }) {
  return h("code", {}, `inv ${words}${stack && stack !== "ecommerce-local" ? ` --stack ${stack}` : ""}`);
}

export function isRunning({ phase }) {
  return phase === "starting" || phase === "up";
}

export function empty(...words) {
  return h("p", { class: "empty" }, ...words);
}
