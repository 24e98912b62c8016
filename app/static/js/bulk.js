/* The list of a 一括 operation: each contract one key press or one click away, drawn beside the list by viewer.js.

   Without it the links open the PDFs in tabs of their own and the boxes are ticked as any others. */

import { Viewer } from "./viewer.js";

const form = document.querySelector("[data-bulk]");
const rows = [...form.querySelectorAll("[data-bulk-document]")];
const [pane, place, none, shown, keys, count] = ["pane", "place", "none", "shown", "keys", "count"].map((name) => form.querySelector(`[data-bulk-${name}]`));
const mould = document.querySelector("[data-bulk-viewer]");
const part = (row, name) => row.querySelector(`[data-bulk-${name}]`);
const WIDE = matchMedia("(min-width: 64rem)");
let viewer = null;
let at = -1;

/** Draw the contract of this row; on a small screen over the whole of it. */
const open = (row) => {
  choose(rows.indexOf(row));
  viewer?.pdf?.loadingTask?.destroy();
  place.replaceChildren(mould.content.cloneNode(true));
  const root = place.firstElementChild;
  root.dataset.viewer = row.dataset.bulkDocument;
  none.hidden = true;
  shown.textContent = row.querySelector(".bulk__title").textContent.replace("（新しいタブで開きます）", "");
  viewer = new Viewer(root);
  viewer.greet();
  if (!WIDE.matches) root.querySelector("[data-viewer-open]").click();
};

const choose = (to) => {
  at = Math.min(Math.max(0, to), rows.length - 1);
  rows.forEach((row, number) => row.classList.toggle("is-current", number === at));
};

const go = (to) => {
  choose(to);
  part(rows[at], "tick").focus({ preventScroll: true });
  rows[at].scrollIntoView({ block: "nearest" });
};

/** How many are left to be looked at, always in sight. */
const tell = () => {
  const taken = rows.filter((row) => part(row, "take").checked);
  count.querySelector("[data-bulk-chosen]").textContent = taken.length;
  count.querySelector("[data-bulk-seen]").textContent = taken.filter((row) => part(row, "tick").checked).length;
  rows.forEach((row) => row.classList.toggle("is-left-out", !part(row, "take").checked));
};

const isTyping = (target) => target.closest("textarea, select, dialog, [data-viewer-pages], input:not([type=checkbox])");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const row = event.target.closest("[data-bulk-document]");
  const isTick = event.target.matches("[data-bulk-tick], [data-bulk-take]");
  const act = {
    j: () => go(at + 1), k: () => go(at - 1),
    ArrowDown: row && (() => go(at + 1)), ArrowUp: row && (() => go(at - 1)),
    Enter: isTick && (() => open(row)),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

rows.forEach((row) => {
  row.addEventListener("focusin", () => choose(rows.indexOf(row)));
  part(row, "open").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(row);
  });
});
form.addEventListener("change", tell);
pane.hidden = keys.hidden = count.hidden = false;
tell();
