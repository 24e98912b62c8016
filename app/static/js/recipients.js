/* 受信者 of ［契約文書登録］: add, remove and move rows in the page.

   Without it the same buttons post the form, and the server answers with the rows rearranged. */

const list = document.querySelector("[data-recipients]");
const said = list.querySelector("[data-recipients-said]");
const add = list.querySelector('[value="add"]');
let made = list.querySelectorAll("[data-recipient]").length; // each row's ids are its own, also after others are gone

const rows = () => [...list.querySelectorAll("[data-recipient]")];
const tool = (row, how) => row.querySelector(`[value^="${how}-"]`);

/** Say of each row which place it has, and offer only what can be done to it. */
function number() {
  const all = rows();
  all.forEach((row, at) => {
    const isAlone = all.length === 1;
    row.classList.toggle("recipient--alone", isAlone);
    row.querySelector("legend").hidden = isAlone;
    row.querySelector(".recipient__tools").hidden = isAlone;
    row.querySelector("legend").textContent = `受信者${at + 1}`;
    for (const how of ["up", "down", "remove"]) {
      const button = tool(row, how);
      button.value = `${how}-${at + 1}`;
      button.setAttribute("aria-label", `受信者${at + 1}を${button.textContent}`);
    }
    tool(row, "up").disabled = at === 0;
    tool(row, "down").disabled = at === all.length - 1;
  });
  add.hidden = all.length >= Number(list.dataset.most);
}

function emptyRow() {
  const row = rows().at(-1).cloneNode(true);
  made += 1;
  row.querySelectorAll(".form-error, .form-help").forEach((part) => part.remove());
  row.querySelectorAll(".form-row--invalid").forEach((part) => part.classList.remove("form-row--invalid"));
  row.querySelectorAll("input").forEach((input) => {
    input.id = `${input.name}-${made}`;
    input.value = "";
    input.removeAttribute("aria-invalid");
    input.setAttribute("aria-describedby", `${input.id}-hint`);
    const part = input.closest(".form-row");
    part.querySelector("label").htmlFor = input.id;
    part.querySelector(".form-hint").id = `${input.id}-hint`;
  });
  return row;
}

const acts = {
  add() {
    const row = emptyRow();
    rows().at(-1).after(row);
    number();
    row.querySelector("input").focus();
    said.textContent = `受信者${rows().length}を追加しました。`;
  },
  remove(row) {
    const at = rows().indexOf(row);
    row.remove();
    number();
    rows()[Math.max(at - 1, 0)].querySelector("input").focus();
    said.textContent = `受信者${at + 1}を削除しました。`;
  },
  up(row, button) {
    row.previousElementSibling.before(row);
    moved(row, button, "down");
  },
  down(row, button) {
    row.nextElementSibling.after(row);
    moved(row, button, "up");
  },
};

function moved(row, button, other) {
  number();
  (button.disabled ? tool(row, other) : button).focus(); // at an end the way back is the one left
  said.textContent = `${row.querySelector("legend").textContent}に移動しました。`;
}

list.addEventListener("click", (event) => {
  const button = event.target.closest('[name="rearrange"]');
  if (!button) return;
  event.preventDefault();
  acts[button.value.split("-")[0]](button.closest("[data-recipient]"), button);
  list.dispatchEvent(new Event("change", { bubbles: true }));
});
