// Keys: j and k go from row to row, Enter opens, x chooses. Without this file every page works as well.
"use strict";
const rows = [...document.querySelectorAll("tr[data-row]")];
let here = -1;
function go(to) {
  if (!rows.length) return;
  rows[here]?.classList.remove("here");
  here = Math.max(0, Math.min(rows.length - 1, to));
  rows[here].classList.add("here");
  // not the box, in which Enter would send the form
  (rows[here].querySelector("a") ?? rows[here].querySelector("input") ?? rows[here]).focus();
  rows[here].scrollIntoView({ block: "nearest" });
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=checkbox]), select, textarea")) return;
  if (event.key === "j") go(here + 1);
  else if (event.key === "k") go(here - 1);
  else if (event.key === "x" && here >= 0) rows[here].querySelector("input[type=checkbox]")?.click();
  else if (event.key === "/") { document.getElementById("key")?.focus(); event.preventDefault(); }
});
const all = document.getElementById("choose-all");
all?.addEventListener("change", () => document.querySelectorAll("input[name=event]").forEach((box) => { box.checked = all.checked; }));
// on a narrow screen a row of a table stands as a card, each cell behind the heading of its column
for (const table of document.querySelectorAll(".wide table")) {
  const headings = [...table.querySelectorAll("thead th")].map((heading) => heading.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr")) {
    const cells = [...row.cells];
    if (cells.length === headings.length) cells.forEach((cell, at) => { cell.dataset.label = headings[at]; });
  }
  table.classList.add("cards");
}
