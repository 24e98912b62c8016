/* 自動保存 of a half-filled form: a few seconds after a change, and on leaving the page.

   <form data-autosave="/documents/new/draft"> … <p data-autosave-status data-saved="…">.  Files are not sent.
   The server keeps one draft a form and says 409 where the form has been saved or another draft is there. */

const QUIET_MS = 3_000;  // after the last change
const PAUSE_MS = 10_000;  // between two posts, however much is typed

const form = document.querySelector("form[data-autosave]");
const status = document.querySelector("[data-autosave-status]");
let timer = 0;
let changed = false;
let stopped = false;
let lastPost = -Infinity;

const say = (text, isBad = false) => {
  status.textContent = text;
  status.classList.toggle("is-bad", isBad);
};

const typed = () => {
  const body = new FormData();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
  return body;
};

async function save() {
  clearTimeout(timer);
  if (stopped || !changed) return;
  changed = false;
  lastPost = performance.now();
  let reply;
  try {
    reply = await fetch(form.dataset.autosave, { method: "POST", body: typed(), redirect: "manual", keepalive: true });
  } catch {
    changed = true;
    return say(status.dataset.failed, true);
  }
  if (reply.ok) return say(`${status.dataset.saved} ${(await reply.json()).saved_at}`);
  if (reply.type === "opaqueredirect") return stop(status.dataset.loggedOut);
  if (reply.status === 409) return stop(status.dataset.refused);
  if (reply.status === 413) return say(status.dataset.tooLarge, true);
  changed = true;
  return say(status.dataset.failed, true);
}

function stop(text) {
  stopped = true;
  clearTimeout(timer);
  if (text) say(text, true);
}

// on a slow line somebody types before this script has come
const isTyped = ({ type, value, defaultValue, checked, defaultChecked }) =>
  type === "radio" || type === "checkbox" ? checked !== defaultChecked
  : type.startsWith("text") ? value !== defaultValue : false;

function note() {
  changed = true;
  clearTimeout(timer);
  timer = setTimeout(save, Math.max(QUIET_MS, lastPost + PAUSE_MS - performance.now()));
}

if (form) {
  form.addEventListener("input", note);
  form.addEventListener("change", note);
  form.addEventListener("submit", (event) => { if (!event.defaultPrevented) stop(); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save(); });
  window.addEventListener("pagehide", save);
  window.addEventListener("pageshow", (event) => { if (event.persisted) stopped = false; });
  if ([...form.elements].some(isTyped)) note();
  if ("autosaveNow" in form.dataset) {
    changed = true;
    save();
  }
}
