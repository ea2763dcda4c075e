"use strict";
// Sorts and searches the table of projects, and copies commands. Without it the page shows all the same.
const body = document.querySelector("#projects tbody");
const rows = Array.from(body.rows);
const titles = row => Array.from(row.querySelectorAll("[title]"), each => each.title);
const texts = new Map(rows.map(row => [row, [row.textContent, ...titles(row)].join(" ").toLowerCase()]));
const search = document.getElementById("search"), outcome = document.getElementById("outcome"), shown = document.getElementById("shown");

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean), wanted = outcome.value;
  let count = 0;
  for (const row of rows) {
    const text = texts.get(row);
    row.hidden = !(words.every(word => text.includes(word)) && (!wanted || row.dataset.p === wanted));
    count += row.hidden ? 0 : 1;
  }
  shown.textContent = `${count} of ${rows.length}`;
}

function sort(head) {
  const column = head.cellIndex, up = head.getAttribute("aria-sort") !== "ascending";
  const key = row => row.cells[column].dataset.n ?? row.cells[column].textContent;
  const keyed = rows.map(row => [key(row), row]);
  const numbers = "n" in rows[0].cells[column].dataset;
  keyed.sort(numbers ? (a, b) => a[0] - b[0] : (a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
  if (!up) keyed.reverse();
  body.append(...keyed.map(pair => pair[1]));
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
}

async function copy(button) {
  const code = button.parentNode.querySelector("code");
  getSelection().selectAllChildren(code);
  try { await navigator.clipboard.writeText(code.textContent); } catch { document.execCommand("copy"); }
  button.textContent = "copied";
}

search.addEventListener("input", filter);
outcome.addEventListener("change", filter);
document.addEventListener("click", event => {
  const { target } = event;
  if (target.matches("#projects th") && rows.length) sort(target);
  else if (target.matches("button.copy")) copy(target);
  else if (target.matches("button.only")) {
    search.value = target.dataset.words;
    outcome.value = "stopped";
    filter();
    document.getElementById("all").scrollIntoView();
  }
});
filter();
