/* The PDF beside the facts of a document, drawn by pdf.js (static/vendor/pdfjs).

   Its words and controls stand in templates/document/_beside.html; without JavaScript they stay hidden and the
   contract's name opens the PDF.  A page is drawn when it comes near, and let go when it is far: a hundred
   pages cost no more than a few.  No script of a PDF runs: the part of pdf.js that could is not there. */

const WIDE = matchMedia("(min-width: 64rem)");
const ZOOMS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3];  // of the width of the frame
const MOST_PIXELS = 12e6;  // of one page's canvas
const CSS_PIXELS_PER_POINT = 96 / 72;

export class Viewer {
  constructor(root) {
    this.root = root;
    [this.frame, this.pages, this.state, this.number, this.zoomSaid, this.dialog] =
      ["frame", "pages", "state", "number", "zoom", "dialog"].map((name) => this.part(name));
    this.sheets = [];
    this.started = false;
    this.zoom = this.shown = 1;
    this.laidWidth = 0;
  }

  part(name) {
    return this.root.querySelector(`[data-viewer-${name}]`);
  }

  /* ---- Opening ----------------------------------------------------------------------- */

  greet() {
    this.root.hidden = false;
    this.part("open").addEventListener("click", () => {
      this.dialog.append(this.frame);
      this.frame.hidden = false;
      this.dialog.showModal();
      this.start();
    });
    this.part("close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => this.settle());
    WIDE.addEventListener("change", () => (this.dialog.open ? this.dialog.close() : this.settle()));
    this.listen();
    this.settle();
  }

  /** Beside the facts where there is room; else behind the button. */
  settle() {
    this.part("place").append(this.frame);
    this.frame.hidden = !WIDE.matches;
    if (WIDE.matches) this.start();
  }

  async start() {
    if (this.started) return;
    this.started = true;
    this.say(this.state.dataset.loading);
    try {
      this.pdfjs = await import("../vendor/pdfjs/pdf.min.mjs");
      const assets = new URL("../vendor/pdfjs/", import.meta.url).href;
      this.pdfjs.GlobalWorkerOptions.workerSrc = `${assets}pdf.worker.min.mjs`;
      const loading = this.pdfjs.getDocument({
        url: this.root.dataset.viewer,
        cMapUrl: `${assets}cmaps/`,
        standardFontDataUrl: `${assets}standard_fonts/`,
        wasmUrl: `${assets}wasm/`,
        useWasm: false,
        enableXfa: false,
        verbosity: this.pdfjs.VerbosityLevel.ERRORS,
      });
      loading.onProgress = ({ loaded, total }) => {
        if (total > loaded) this.say(`${this.state.dataset.loading}（${Math.floor((100 * loaded) / total)}%）`);
      };
      this.pdf = await loading.promise;
      await this.layOut();
      this.say("");
    } catch (error) {
      this.pdf = null;
      this.pages.replaceChildren();
      this.frame.classList.add("is-failed");
      this.say(this.isAway(error) ? this.state.dataset.away : this.state.dataset.failed);
    }
  }

  /** Whether the portal itself cannot read the file: then no other tab shows it either. */
  isAway(error) {
    return error?.status === 503;
  }

  say(text) {
    this.state.textContent = text;
    this.state.hidden = !text;
  }

  /* ---- Sheets: one place a page, drawn while it is near ----------------------------------- */

  async layOut() {
    const meet = (entries) => entries.forEach((entry) => this.meet(entry));
    this.near = new IntersectionObserver(meet, { root: this.pages, rootMargin: "60% 0px" });
    const first = await this.pdf.getPage(1);
    const size = first.getViewport({ scale: 1 });
    this.part("count").textContent = this.pdf.numPages;
    this.number.max = this.pdf.numPages;
    for (let at = 1; at <= this.pdf.numPages; at++) {
      const box = document.createElement("div");
      box.className = "viewer__page";
      box.dataset.page = at;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", `${at}${this.pages.dataset.word}`);
      this.sheets.push({ at, box, size, drawing: null, turn: 0 });
    }
    this.pages.replaceChildren(...this.sheets.map((sheet) => sheet.box));
    this.measure();
    this.sheets.forEach((sheet) => this.near.observe(sheet.box));
    new ResizeObserver(() => this.frameWidth() !== this.laidWidth && this.keepPlace(() => this.measure())).observe(this.pages);
    this.follow();
  }

  meet({ target, isIntersecting }) {
    const sheet = this.sheets[target.dataset.page - 1];
    if (isIntersecting) this.draw(sheet);
    else this.letGo(sheet);
  }

  frameWidth() {
    return this.pages.clientWidth - 2 * parseFloat(getComputedStyle(this.pages).paddingLeft);
  }

  /** Give every sheet its size; what is drawn already is drawn anew where it is near. */
  measure() {
    this.laidWidth = this.frameWidth();
    if (this.laidWidth <= 0) return;
    this.sheets.forEach((sheet) => {
      this.setSize(sheet);
      if (sheet.drawing) {
        this.letGo(sheet);
        this.near.unobserve(sheet.box);
        this.near.observe(sheet.box);
      }
    });
    this.sayZoom();
  }

  setSize(sheet) {
    const width = this.laidWidth * this.zoom;
    sheet.scale = width / sheet.size.width;
    sheet.box.style.width = `${width}px`;
    sheet.box.style.height = `${width * (sheet.size.height / sheet.size.width)}px`;
  }

  async draw(sheet) {
    if (sheet.drawing || !this.pdf || this.laidWidth <= 0) return;
    const turn = ++sheet.turn;
    sheet.drawing = true;
    try {
      const page = await this.pdf.getPage(sheet.at);
      if (turn !== sheet.turn) return;
      sheet.size = page.getViewport({ scale: 1 });
      this.setSize(sheet);
      const viewport = page.getViewport({ scale: sheet.scale });
      const canvas = document.createElement("canvas");
      const wanted = Math.min(devicePixelRatio || 1, 3);
      const sharp = Math.min(wanted, Math.sqrt(MOST_PIXELS / (viewport.width * viewport.height)));
      canvas.width = Math.floor(viewport.width * sharp);
      canvas.height = Math.floor(viewport.height * sharp);
      const task = page.render({ canvas, viewport, transform: sharp === 1 ? null : [sharp, 0, 0, sharp, 0, 0] });
      sheet.drawing = task;
      await task.promise;
      if (turn !== sheet.turn) return;
      sheet.box.replaceChildren(canvas);
      sheet.box.classList.add("is-drawn");
      await this.layText(sheet, page, viewport, turn);
    } catch (error) {
      if (error?.name === "RenderingCancelledException" || turn !== sheet.turn) return;
      const sorry = document.createElement("p");
      sorry.className = "viewer__sorry";
      sorry.textContent = this.isAway(error) ? this.state.dataset.away : this.pages.dataset.failed;
      sheet.box.replaceChildren(sorry);
    }
  }

  /** The words over the picture, unseen: to be marked, copied, searched and read aloud. */
  async layText(sheet, page, viewport, turn) {
    const layer = document.createElement("div");
    layer.className = "viewer__text";
    layer.lang = "ja";
    layer.style.setProperty("--total-scale-factor", sheet.scale);
    const text = new this.pdfjs.TextLayer({ textContentSource: page.streamTextContent(), container: layer, viewport });
    await text.render();
    if (turn === sheet.turn) sheet.box.append(layer);
  }

  letGo(sheet) {
    if (!sheet.drawing) return;
    sheet.turn++;
    sheet.drawing.cancel?.();
    sheet.drawing = null;
    sheet.box.classList.remove("is-drawn");
    sheet.box.replaceChildren();
  }

  /* ---- Going and zooming ---------------------------------------------------------------- */

  listen() {
    this.part("previous").addEventListener("click", () => this.go(this.shown - 1));
    this.part("next").addEventListener("click", () => this.go(this.shown + 1));
    this.part("smaller").addEventListener("click", () => this.zoomBy(-1));
    this.part("larger").addEventListener("click", () => this.zoomBy(1));
    this.part("fit").addEventListener("click", () => this.zoomTo(1));
    this.number.addEventListener("change", () => this.go(Number(this.number.value) || this.shown));
    this.number.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.go(Number(this.number.value) || this.shown);
    });
    this.pages.addEventListener("scroll", () => requestAnimationFrame(() => this.follow()), { passive: true });
    this.pages.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const act = {
        "+": () => this.zoomBy(1), ";": () => this.zoomBy(1), "-": () => this.zoomBy(-1), "0": () => this.zoomTo(1),
        ArrowRight: this.zoom > 1 ? null : () => this.go(this.shown + 1),
        ArrowLeft: this.zoom > 1 ? null : () => this.go(this.shown - 1),
        Home: () => this.go(1), End: () => this.go(this.sheets.length),
      }[event.key];
      if (!act || !this.sheets.length) return;
      event.preventDefault();
      act();
    });
  }

  go(to) {
    if (!this.sheets.length) return;
    this.shown = Math.min(Math.max(1, Math.trunc(to)), this.sheets.length);
    this.pages.scrollTop = this.sheets[this.shown - 1].box.offsetTop - this.pages.offsetTop - parseFloat(getComputedStyle(this.pages).paddingTop);
    this.sayPlace();
  }

  /** Which page is in the upper third of the frame, whoever scrolled. */
  follow() {
    if (!this.sheets.length) return;
    const line = this.pages.offsetTop + this.pages.scrollTop + this.pages.clientHeight / 3;
    const atEnd = this.pages.scrollTop + this.pages.clientHeight >= this.pages.scrollHeight - 2;
    const below = this.sheets.findIndex((sheet) => sheet.box.offsetTop > line);
    this.shown = atEnd || below < 0 ? this.sheets.length : Math.max(1, below);
    this.sayPlace();
  }

  sayPlace() {
    if (document.activeElement !== this.number || Number(this.number.value) > this.sheets.length) this.number.value = this.shown;
    this.part("previous").disabled = this.shown <= 1;
    this.part("next").disabled = this.shown >= this.sheets.length;
  }

  zoomBy(direction) {
    const at = ZOOMS.findIndex((one) => one >= this.zoom - 0.001);
    this.zoomTo(ZOOMS[Math.min(Math.max(0, at + direction), ZOOMS.length - 1)]);
  }

  zoomTo(to) {
    if (!this.sheets.length) return;
    this.zoom = to;
    this.keepPlace(() => this.measure());
    this.part("smaller").disabled = this.zoom === ZOOMS[0];
    this.part("larger").disabled = this.zoom === ZOOMS.at(-1);
    this.part("fit").setAttribute("aria-pressed", this.zoom === 1);
  }

  /** What was in the middle of the frame stays there. */
  keepPlace(act) {
    const middle = (this.pages.scrollTop + this.pages.clientHeight / 2) / (this.pages.scrollHeight || 1);
    act();
    this.pages.scrollTop = middle * this.pages.scrollHeight - this.pages.clientHeight / 2;
  }

  sayZoom() {
    this.zoomSaid.textContent = `${Math.round((100 * this.sheets[0].scale) / CSS_PIXELS_PER_POINT)}%`;
  }
}

document.querySelectorAll("[data-viewer]").forEach((root) => new Viewer(root).greet());
