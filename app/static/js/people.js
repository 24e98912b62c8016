/* 利用者 of a 利用申請: add and remove rows in the page.

   Without it the same buttons post the form, and the server answers with the rows rearranged. */

const list = document.querySelector("[data-people]");
const said = list.querySelector("[data-people-said]");
const add = list.querySelector('[value="add"]');
const blank = list.querySelector("[data-person-blank]");
let made = Number(list.dataset.most) + 1; // each new row's ids are its own, also after others are gone

const rows = () => [...list.querySelectorAll("[data-person]")];

function number() {
  rows().forEach((row, at) => {
    row.querySelector("legend").textContent = `利用者${at + 1}`;
    const button = row.querySelector('[value^="remove-"]');
    button.value = `remove-${at + 1}`;
    button.setAttribute("aria-label", `利用者${at + 1}を削除`);
  });
  add.hidden = rows().length >= Number(list.dataset.most);
}

function emptyRow() {
  const row = blank.content.firstElementChild.cloneNode(true);
  made += 1;
  row.querySelectorAll("input, select").forEach((input) => {
    input.id = `${input.name}-${made}`;
    input.closest(".form-row").querySelector("label").htmlFor = input.id;
  });
  return row;
}

list.addEventListener("click", (event) => {
  const button = event.target.closest('[name="rearrange"]');
  if (!button) return;
  event.preventDefault();
  if (button === add) {
    const row = emptyRow();
    add.parentElement.before(row);
    number();
    row.querySelector("input").focus();
    said.textContent = `利用者${rows().length}を追加しました。`;
  } else {
    const row = button.closest("[data-person]");
    const at = rows().indexOf(row);
    row.remove();
    number();
    (rows()[Math.max(at - 1, 0)]?.querySelector("input") ?? add).focus();
    said.textContent = `利用者${at + 1}を削除しました。`;
  }
});
