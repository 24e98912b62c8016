/* What the pages do in the browser.  Everything also works without it, less comfortably:
   a form posts, a 利用者ID can be typed, the menus open on focus.

   Each part listens on the document, so that it also serves what a dialog loads later. */

const when = (type, selector, act) =>
  document.addEventListener(type, (event) => {
    const element = event.target.closest?.(selector);
    if (element) act(element, event);
  });

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};


/* ---- Menus: one open at a time; a click elsewhere or Escape closes it ---------------------- */

const openMenu = (button, open) => {
  button.setAttribute("aria-expanded", open);
  document.getElementById(button.getAttribute("aria-controls")).hidden = !open;
};
const openMenus = () => document.querySelectorAll('[data-menu][aria-expanded="true"]');

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-menu]");
  const open = pressed?.getAttribute("aria-expanded") === "true";
  if (!event.target.closest(".menu__list")) openMenus().forEach((button) => openMenu(button, false));
  if (pressed) openMenu(pressed, !open);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  openMenus().forEach((button) => {
    const inside = button.parentElement.contains(document.activeElement);
    openMenu(button, false);
    if (inside) button.focus();
  });
});
document.addEventListener("focusin", (event) => {
  openMenus().forEach((button) => {
    if (!button.parentElement.contains(event.target)) openMenu(button, false);
  });
});
when("click", "[data-menu-toggle]", (button) => {
  const panel = document.getElementById(button.getAttribute("aria-controls"));
  button.setAttribute("aria-expanded", panel.classList.toggle("is-open"));
});


/* ---- Dialogs ------------------------------------------------------------------------------- */

when("click", "[data-dialog-open]", (button) => document.getElementById(button.dataset.dialogOpen).showModal());
when("click", "[data-dialog-close]", (button) => button.closest("dialog").close());

function makeDialog(title, className = "dialog") {
  const heading = element("h2", { className: "dialog__title", id: `dialog-${Math.random().toString(36).slice(2)}`, textContent: title });
  const close = element("button", { type: "button", className: "dialog__close", textContent: "×", ariaLabel: "閉じる" });
  close.dataset.dialogClose = "";
  const body = element("div", { className: "dialog__body" });
  const dialog = element("dialog", { className }, element("div", { className: "dialog__head" }, heading, close), body);
  dialog.setAttribute("aria-labelledby", heading.id);
  const opener = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus();
  });
  document.body.append(dialog);
  return { dialog, body };
}

/** Resolves to true for ［OK］, to false for ［キャンセル］ and Escape. */
function ask(text) {
  if (!window.HTMLDialogElement) return Promise.resolve(window.confirm(text));
  return new Promise((resolve) => {
    const { dialog, body } = makeDialog("確認", "dialog dialog--small");
    const cancel = element("button", { type: "button", className: "button button--secondary", textContent: "キャンセル" });
    const ok = element("button", { type: "button", className: "button button--primary", textContent: "OK" });
    cancel.onclick = () => dialog.close();
    ok.onclick = () => dialog.close("ok");
    body.append(element("p", { className: "dialog__text", textContent: text }), element("div", { className: "button-bar" }, cancel, ok));
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok"));
    dialog.showModal();
    cancel.focus();
  });
}


/* ---- Sending a form: ask first where data-confirm says so, and send it only once ------------- */

const confirmed = new WeakSet();
const sending = new Map();

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (event.defaultPrevented) return;
  if (sending.has(form)) {
    event.preventDefault();
    return;
  }
  const text = button && "noConfirm" in button.dataset ? "" : (button?.dataset.confirm ?? form.dataset.confirm);
  if (text && !confirmed.delete(form)) {
    event.preventDefault();
    if (await ask(text)) {
      confirmed.add(form);
      form.requestSubmit(button);
    }
    return;
  }
  const method = button?.getAttribute("formmethod") ?? form.method;
  if (method === "post" && !("noGuard" in form.dataset)) holdButtons(form, button);
});

function holdButtons(form, pressed) {
  const buttons = [...form.elements].filter((control) => control.type === "submit");
  sending.set(form, buttons.map((button) => [button, button.textContent, button.disabled]));
  setTimeout(() => {  // after the browser has collected the pressed button's own value
    buttons.forEach((button) => (button.disabled = true));
    if (pressed && pressed.tagName === "BUTTON") {
      pressed.textContent = "処理中です…";
      pressed.classList.add("is-busy");
    }
  });
}

window.addEventListener("pageshow", () => {
  sending.forEach((buttons) =>
    buttons.forEach(([button, text, disabled]) => {
      button.disabled = disabled;
      button.classList.remove("is-busy");
      if (button.tagName === "BUTTON") button.textContent = text;
    }));
  sending.clear();
});


/* ---- 利用者選択: ［参照］ fills in 利用者IDs --------------------------------------------------- */

when("click", "[data-picker]", (button) => {
  const input = document.getElementById(button.dataset.picker);
  const names = document.getElementById(`${button.dataset.picker}-names`);
  const multiple = "pickerMultiple" in button.dataset;
  const { dialog, body } = makeDialog("利用者選択");

  const load = async (query) => {
    body.setAttribute("aria-busy", "true");
    const address = new URL(button.dataset.pickerUrl, location.href);
    new URLSearchParams(query).forEach((value, key) => address.searchParams.set(key, value));
    try {
      const reply = await fetch(address, { headers: { "X-Requested-With": "fetch" } });
      if (!reply.ok || reply.redirected) throw new Error(reply.status);
      body.innerHTML = await reply.text();
    } catch {
      body.replaceChildren(element("p", { textContent: "利用者を表示できませんでした。ページを再読み込みして、もう一度お試しください。" }));
    }
    body.removeAttribute("aria-busy");
    body.querySelector("input:not([type=hidden])")?.focus();
  };

  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.matches("[data-picker-results]")) choose(event.target);
    else load(new FormData(event.target));
  });

  const choose = (form) => {
    const chosen = [...form.querySelectorAll("input:checked")];
    if (!chosen.length) return form.querySelector("input")?.focus();
    const codes = multiple ? input.value.split(/[\s,、]+/).filter(Boolean) : [];
    const people = multiple && names ? names.textContent.split("、").filter(Boolean) : [];
    for (const { value, dataset } of chosen) {
      if (codes.includes(value)) continue;
      codes.push(value);
      people.push(dataset.name);
    }
    input.value = codes.join(" ");
    if (names) names.textContent = people.join("、");
    input.dispatchEvent(new Event("change", { bubbles: true }));
    dialog.close();
  };

  const query = { role: button.dataset.pickerRole ?? "" };
  if (multiple) query.multiple = "1";
  dialog.showModal();
  load(query);
});

/* Names shown beside a 利用者ID that was typed over would be wrong. */
when("input", ".picker .input", (input) => {
  const names = document.getElementById(`${input.id}-names`);
  if (names) names.textContent = "";
});


/* ---- Files: say what was chosen, and refuse before the upload what the server would refuse ---- */

when("change", 'input[type="file"]', (input) => {
  const most = Number(input.dataset.maxBytes) || Infinity;
  const pdfOnly = (input.accept || "").includes("pdf") && !("anyKind" in input.dataset);
  const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`);
  const files = [...input.files];
  const large = files.find((file) => file.size > most);
  const other = files.find((file) => pdfOnly && !/\.pdf$/i.test(file.name));
  const problem = other ? `「${other.name}」はPDFファイルではありません。PDFファイルを選択してください。`
    : large ? `「${large.name}」（${size(large.size)}）は大きすぎます。${size(most)}以下のファイルを選択してください。`
    : "";
  input.setCustomValidity(problem);
  const output = input.parentElement.querySelector("[data-file-output]");
  if (!output) return;
  output.classList.toggle("is-bad", Boolean(problem));
  output.textContent = problem || files.map((file) => `${file.name}（${size(file.size)}）`).join("、");
});


/* ---- Small things ---------------------------------------------------------------------------- */

when("click", "[data-dismiss]", (button) => button.closest(".notice")?.remove());
when("click", "[data-print]", () => window.print());
when("click", "[data-close-page]", (button) => {  // a page in a tab of its own, such as 署名位置確認
  window.close();
  setTimeout(() => location.assign(button.dataset.back), 200);  // where the browser keeps the tab open
});
when("click", "[data-toggle-password]", (button) => {
  const input = document.getElementById(button.dataset.togglePassword);
  const show = input.type === "password";
  input.type = show ? "text" : "password";
  button.textContent = show ? "隠す" : "表示";
  button.setAttribute("aria-pressed", show);
});

/* 案件: the page holds the newest; of the others those are suggested that hold what is typed. */
let caseTimer;
when("input", "[data-cases]", (input) => {
  clearTimeout(caseTimer);
  caseTimer = setTimeout(async () => {
    const reply = await fetch(`${input.dataset.cases}?${new URLSearchParams({ typed: input.value })}`);
    if (!reply.ok) return;
    const options = (await reply.json()).map(([number, name]) => Object.assign(new Option(name), { value: number }));
    input.list?.replaceChildren(...options);
  }, 250);
});

/* On a small screen each value of a table row stands under the name of its column. */
document.querySelectorAll(".data-table").forEach((table) => {
  const names = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
  table.querySelectorAll("tbody tr").forEach((row) =>
    [...row.cells].forEach((cell, at) => (cell.dataset.label ??= names[at] ?? "")));
});

/* A button that ticks all boxes of a form that stand on the page, or none: <button data-tick-all="extension" hidden> */
document.querySelectorAll("[data-tick-all]").forEach((button) => { button.hidden = false; });
when("click", "[data-tick-all]", (button) => {
  const boxes = [...document.querySelectorAll(`input[type="checkbox"][form="${button.dataset.tickAll}"]`)];
  const isWanted = boxes.some((box) => !box.checked);
  boxes.forEach((box) => { box.checked = isWanted; });
});

/* Fields that a choice makes needless are hidden and not sent: <div data-shown-for="mode" data-shown-values="both_sides …"> */
document.querySelectorAll("[data-shown-for]").forEach((part) => {
  const name = part.dataset.shownFor;
  const values = part.dataset.shownValues.split(" ");
  const follow = () => {
    const chosen = document.querySelector(`[name="${name}"]:checked`);
    const isBox = Boolean(document.querySelector(`[name="${name}"][type="checkbox"]`));
    part.hidden = isBox ? !chosen : Boolean(chosen) && !values.includes(chosen.value);
    part.querySelectorAll("input, select, textarea").forEach((input) => { input.disabled = part.hidden; });
  };
  document.querySelectorAll(`[name="${name}"]`).forEach((input) => input.addEventListener("change", follow));
  follow();
});
