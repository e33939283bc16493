"use strict";
// Shows only the log lines that have the words, the level or a higher one, and the service that were chosen.
const LEVELS = ["debug", "info", "warning", "error", "critical"];
const lines = [...document.querySelectorAll("#lines > div")];
const choice = (id) => document.getElementById(id);

function filter() {
  const words = choice("search").value.toLowerCase(), least = LEVELS.indexOf(choice("level").value), service = choice("service").value;
  let shown = 0;
  for (const line of lines) {
    const wanted = LEVELS.indexOf(line.className) >= least && (!service || line.children[1].textContent === service)
      && line.textContent.toLowerCase().includes(words);
    line.hidden = !wanted;
    shown += wanted;
  }
  choice("count").textContent = `${shown} lines`;
}

if (lines.length) {
  for (const id of ["search", "level", "service"]) choice(id).addEventListener("input", filter);
  choice("lines").scrollTop = choice("lines").scrollHeight;
}
