/* ［署名位置設定］: boxes that are dragged over the picture of a page.

   The number inputs hold what is saved; a box is only another way to write into them.  All lengths
   here are millimetres of the page as it is shown, from its lower left corner, to a tenth. */

const POINTS_IN_MM = 72 / 25.4;
const STEP_MM = 1;  // of a press on an arrow key
const SAY_AFTER_MS = 400;

const form = document.querySelector("[data-placing]");
const viewer = form.querySelector("[data-viewer]");
const sheet = form.querySelector("[data-sheet]");
const said = form.querySelector("[data-said]");
const pageChoice = form.querySelector("[data-page]");
const sizes = JSON.parse(form.dataset.sizes).map((size) => size.map((points) => points / POINTS_IN_MM));
const least = JSON.parse(form.dataset.least).map((points) => points / POINTS_IN_MM);
const pictures = new Map();
let shownPage = 1;
let isChanged = false;

const tenth = (length) => Math.round(length * 10) / 10;
const tenthBelow = (length) => Math.floor(length * 10 + 1e-6) / 10;
const within = (value, low, high) => Math.max(low, Math.min(value, high));
const isOnPaper = (page) => Number.isInteger(page) && page >= 1 && page <= sizes.length;
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};


/* ---- A company's place ----------------------------------------------------------------------- */

class Place {
  constructor(fieldset) {
    this.fieldset = fieldset;
    this.label = fieldset.dataset.label;
    this.problem = fieldset.querySelector("[data-problem]");
    this.inputs = {};
    fieldset.querySelectorAll("[data-measure]").forEach((input) => { this.inputs[input.dataset.measure] = input; });
    this.box = this.makeBox();
  }

  makeBox() {
    const handle = element("span", { className: "placing__handle", ariaHidden: "true" });
    const box = element("div", { className: "placing__box", tabIndex: 0 }, element("span", { className: "placing__name", textContent: this.label }), handle);
    box.setAttribute("role", "application");  // so that a screen reader leaves the arrow keys to us
    box.setAttribute("aria-roledescription", "署名欄の枠");
    box.setAttribute("aria-label", this.label);
    box.setAttribute("aria-describedby", "placing-help");
    box.addEventListener("focus", () => places.forEach((place) => place.box.classList.toggle("is-front", place === this)));
    box.addEventListener("keydown", (event) => this.press(event));
    box.addEventListener("pointerdown", (event) => this.grasp(event, event.target === handle));
    return box;
  }

  /** What stands in the inputs; NaN where that is no number. */
  get value() {
    const value = {};
    for (const [name, input] of Object.entries(this.inputs)) value[name] = input.value.trim() === "" ? NaN : Number(input.value);
    return value;
  }

  write(changes) {
    for (const [name, length] of Object.entries(changes)) {
      this.inputs[name].value = name === "page" ? length : tenth(length).toFixed(1);
    }
    isChanged = true;
    draw();
  }

  moveTo(left, bottom, page = this.value.page) {
    const { width, height } = this.value;
    const [pageWidth, pageHeight] = sizes[page - 1];
    this.write({
      page,
      left: within(left, 0, Math.max(0, tenthBelow(pageWidth - width))),
      bottom: within(bottom, 0, Math.max(0, tenthBelow(pageHeight - height))),
    });
  }

  /** The upper left corner stays where it is. */
  resizeTo(width, height) {
    const { page, left, bottom, height: before } = this.value;
    const top = bottom + before;
    const tall = tenth(within(height, tenth(least[1]), Math.max(tenth(least[1]), tenthBelow(top))));
    this.write({
      width: within(width, tenth(least[0]), Math.max(tenth(least[0]), tenthBelow(sizes[page - 1][0] - left))),
      height: tall,
      bottom: Math.max(0, top - tall),
    });
  }

  press(event) {
    const { page, left, bottom, width, height } = this.value;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const turn = { PageUp: -1, PageDown: 1 }[event.key];
    if (arrow && event.shiftKey) this.resizeTo(width + arrow[0] * STEP_MM, height - arrow[1] * STEP_MM);
    else if (arrow) this.moveTo(left + arrow[0] * STEP_MM, bottom + arrow[1] * STEP_MM);
    else if (turn && isOnPaper(page + turn)) this.bringTo(page + turn);
    else if (!turn) return;
    event.preventDefault();
    sayLater(this);
  }

  bringTo(page) {
    const { left, bottom } = this.value;
    this.moveTo(left || 0, bottom || 0, page);
    show(page);
    this.box.focus({ preventScroll: true });
  }

  /** Drag with mouse, pen or finger, until it is let go. */
  grasp(event, byHandle) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.box.focus({ preventScroll: true });
    this.box.setPointerCapture(event.pointerId);
    const start = this.value;
    const [x, y] = [event.clientX, event.clientY];
    const mmInPixel = sizes[shownPage - 1][0] / sheet.clientWidth;
    const follow = ({ clientX, clientY }) => {
      const [right, down] = [(clientX - x) * mmInPixel, (clientY - y) * mmInPixel];
      if (byHandle) {
        this.write({ bottom: start.bottom, height: start.height });
        this.resizeTo(start.width + right, start.height + down);
      } else this.moveTo(start.left + right, start.bottom - down);
    };
    const letGo = () => {
      this.box.removeEventListener("pointermove", follow);
      this.box.classList.remove("is-held");
      sayLater(this);
    };
    this.box.classList.add("is-held");
    this.box.addEventListener("pointermove", follow);
    this.box.addEventListener("lostpointercapture", letGo, { once: true });
  }

  draw() {
    const { page, left, bottom, width, height } = this.value;
    this.box.hidden = page !== shownPage || ![left, bottom, width, height].every(Number.isFinite);
    if (this.box.hidden) return;
    const [pageWidth, pageHeight] = sizes[page - 1];
    const percent = (part, whole) => `${(100 * part) / whole}%`;
    Object.assign(this.box.style, {
      left: percent(left, pageWidth), bottom: percent(bottom, pageHeight),
      width: percent(width, pageWidth), height: percent(height, pageHeight),
    });
  }

  /** Why the server would refuse it; "" where it would not. */
  fault(others) {
    const { page, left, bottom, width, height } = this.value;
    if (!isOnPaper(page)) return `ページは、1から${sizes.length}までの数字で指定してください。`;
    if (![left, bottom, width, height].every((length) => length >= 0)) return "位置と大きさは、0以上の数字で入力してください。";
    const [pageWidth, pageHeight] = sizes[page - 1];
    // a default box on a very small page may be smaller than one that somebody draws
    const isAsDrawn = !("refused" in form.dataset) && Object.values(this.inputs).every((input) => input.value === input.defaultValue);
    if (!isAsDrawn && (width < tenth(least[0]) || height < tenth(least[1]))) return "署名欄が小さすぎます。幅40mm以上、高さ14mm以上にしてください。";
    if (!isAsDrawn && (left + width > pageWidth + 0.004 || bottom + height > pageHeight + 0.004)) return "署名欄が、ページからはみ出しています。";
    const other = others.find((place) => place !== this && this.overlaps(place));
    return other ? `「${other.label}」の署名欄と重なっています。` : "";
  }

  overlaps(other) {
    const [own, its] = [this.value, other.value];
    return own.page === its.page
      && own.left < its.left + its.width - 0.004 && its.left < own.left + own.width - 0.004
      && own.bottom < its.bottom + its.height - 0.004 && its.bottom < own.bottom + own.height - 0.004;
  }

  tell(fault) {
    this.problem.textContent = fault;
    this.problem.hidden = !fault;
    this.box.classList.toggle("is-bad", Boolean(fault));
    this.fieldset.classList.toggle("is-bad", Boolean(fault));
  }

  get spoken() {
    const { page, left, bottom, width, height } = this.value;
    return `${this.label}：${page}ページ目、左端から${left}mm、下端から${bottom}mm、幅${width}mm、高さ${height}mm。${this.problem.textContent}`;
  }
}

const places = [...form.querySelectorAll("[data-place]")].map((fieldset) => new Place(fieldset));

function draw() {
  places.forEach((place) => place.draw());
  places.forEach((place) => place.tell(place.fault(places)));
}

let waiting;
function sayLater(place) {
  clearTimeout(waiting);
  waiting = setTimeout(() => { said.textContent = place.spoken; }, SAY_AFTER_MS);
}


/* ---- Pages ----------------------------------------------------------------------------------- */

function show(page) {
  shownPage = page;
  const [width, height] = sizes[page - 1];
  sheet.style.aspectRatio = `${width} / ${height}`;
  sheet.style.setProperty("--shape", width / height);
  if (!pictures.has(page)) pictures.set(page, makePicture(page));
  pictures.forEach((picture, number) => { picture.hidden = number !== page; });
  pageChoice.value = String(page);
  form.querySelectorAll("[data-step]").forEach((button) => { button.disabled = !isOnPaper(page + Number(button.dataset.step)); });
  places.forEach((place) => { place.fieldset.querySelector("[data-bring]").hidden = place.value.page === page; });
  draw();
}

function makePicture(page) {
  const picture = element("img", { src: form.dataset.picture.replace(/0\.png$/, `${page}.png`), alt: `契約文書の${page}ページ目`, draggable: false });
  picture.addEventListener("error", () => {
    said.textContent = "ページの画像を表示できませんでした。ページを再読み込みして、もう一度お試しください。";
    picture.remove();
    pictures.delete(page);
  });
  sheet.prepend(picture);
  return picture;
}

sizes.forEach((_, index) => pageChoice.append(new Option(`${index + 1}／${sizes.length}ページ`, String(index + 1))));
sheet.append(...places.map((place) => place.box));
pageChoice.addEventListener("change", () => show(Number(pageChoice.value)));
form.querySelectorAll("[data-step]").forEach((button) => button.addEventListener("click", () => show(shownPage + Number(button.dataset.step))));
places.forEach((place) => {
  place.fieldset.querySelector("[data-bring]").addEventListener("click", () => {
    place.bringTo(shownPage);
    sayLater(place);
  });
  place.fieldset.addEventListener("input", () => {
    isChanged = true;
    const { page } = place.value;
    show(isOnPaper(page) ? page : shownPage);
  });
  place.fieldset.addEventListener("focusin", (event) => {
    const { page } = place.value;
    if (event.target.matches("[data-measure]") && isOnPaper(page) && page !== shownPage) show(page);
  });
});


/* ---- Leaving --------------------------------------------------------------------------------- */

form.addEventListener("submit", (event) => {
  const bad = places.find((place) => !place.problem.hidden);
  if (bad && !event.submitter?.hasAttribute("formaction")) {
    event.preventDefault();
    show(isOnPaper(bad.value.page) ? bad.value.page : shownPage);
    bad.inputs.page.focus();
    said.textContent = bad.spoken;
    return;
  }
  isChanged = false;
});
window.addEventListener("beforeunload", (event) => { if (isChanged) event.preventDefault(); });

viewer.hidden = false;
const first = places[0].value.page;
show(isOnPaper(first) ? first : 1);
