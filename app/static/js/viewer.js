/* The PDF beside the facts of a document, drawn by pdf.js (static/vendor/pdfjs).

   Its words and controls stand in templates/document/_beside.html; without JavaScript they stay hidden and the
   contract's name opens the PDF.  A page is drawn when it comes near, and let go when it is far: a hundred
   pages cost no more than a few.  No script of a PDF runs: the part of pdf.js that could is not there. */

const WIDE = matchMedia("(min-width: 64rem)");
const ZOOMS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3];  // of the width of the frame
const MOST_PIXELS = 12e6;  // of one page's canvas
const CSS_PIXELS_PER_POINT = 96 / 72;

document.querySelectorAll("[data-viewer]").forEach((root) => new Viewer(root).greet());

function Viewer(root) {
  const part = (name) => root.querySelector(`[data-viewer-${name}]`);
  const [frame, pages, state, number, zoomSaid] = ["frame", "pages", "state", "number", "zoom"].map(part);
  const dialog = part("dialog");
  const sheets = [];
  let pdfjs, pdf, started = false, zoom = 1, shown = 1, laidWidth = 0;

  /* ---- Opening ----------------------------------------------------------------------- */

  this.greet = () => {
    root.hidden = false;
    part("open").addEventListener("click", () => {
      dialog.append(frame);
      frame.hidden = false;
      dialog.showModal();
      start();
    });
    part("close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", settle);
    WIDE.addEventListener("change", () => (dialog.open ? dialog.close() : settle()));
    listen();
    settle();
  };

  /** Beside the facts where there is room; else behind the button. */
  function settle() {
    part("place").append(frame);
    frame.hidden = !WIDE.matches;
    if (WIDE.matches) start();
  }

  async function start() {
    if (started) return;
    started = true;
    say(state.dataset.loading);
    try {
      pdfjs = await import("../vendor/pdfjs/pdf.min.mjs");
      const assets = new URL("../vendor/pdfjs/", import.meta.url).href;
      pdfjs.GlobalWorkerOptions.workerSrc = `${assets}pdf.worker.min.mjs`;
      const loading = pdfjs.getDocument({
        url: root.dataset.viewer,
        cMapUrl: `${assets}cmaps/`,
        standardFontDataUrl: `${assets}standard_fonts/`,
        wasmUrl: `${assets}wasm/`,
        useWasm: false,
        enableXfa: false,
        verbosity: pdfjs.VerbosityLevel.ERRORS,
      });
      loading.onProgress = ({ loaded, total }) => {
        if (total > loaded) say(`${state.dataset.loading}（${Math.floor((100 * loaded) / total)}%）`);
      };
      pdf = await loading.promise;
      await layOut();
      say("");
    } catch {
      pdf = null;
      pages.replaceChildren();
      frame.classList.add("is-failed");
      say(state.dataset.failed);
    }
  }

  function say(text) {
    state.textContent = text;
    state.hidden = !text;
  }

  /* ---- Sheets: one place a page, drawn while it is near ----------------------------------- */

  const near = new IntersectionObserver(
    (entries) => entries.forEach(({ target, isIntersecting }) => {
      const sheet = sheets[target.dataset.page - 1];
      if (isIntersecting) draw(sheet);
      else letGo(sheet);
    }),
    { root: pages, rootMargin: "60% 0px" },
  );

  async function layOut() {
    const first = await pdf.getPage(1);
    const size = first.getViewport({ scale: 1 });
    part("count").textContent = pdf.numPages;
    number.max = pdf.numPages;
    for (let at = 1; at <= pdf.numPages; at++) {
      const box = document.createElement("div");
      box.className = "viewer__page";
      box.dataset.page = at;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", `${at}${pages.dataset.word}`);
      sheets.push({ at, box, size, drawing: null, turn: 0 });
    }
    pages.replaceChildren(...sheets.map((sheet) => sheet.box));
    measure();
    sheets.forEach((sheet) => near.observe(sheet.box));
    new ResizeObserver(() => frameWidth() !== laidWidth && keepPlace(measure)).observe(pages);
    follow();
  }

  const frameWidth = () => pages.clientWidth - 2 * parseFloat(getComputedStyle(pages).paddingLeft);

  /** Give every sheet its size; what is drawn already is drawn anew where it is near. */
  function measure() {
    laidWidth = frameWidth();
    if (laidWidth <= 0) return;
    sheets.forEach((sheet) => {
      setSize(sheet);
      if (sheet.drawing) {
        letGo(sheet);
        near.unobserve(sheet.box);
        near.observe(sheet.box);
      }
    });
    sayZoom();
  }

  function setSize(sheet) {
    const width = laidWidth * zoom;
    sheet.scale = width / sheet.size.width;
    sheet.box.style.width = `${width}px`;
    sheet.box.style.height = `${width * (sheet.size.height / sheet.size.width)}px`;
  }

  async function draw(sheet) {
    if (sheet.drawing || !pdf || laidWidth <= 0) return;
    const turn = ++sheet.turn;
    sheet.drawing = true;
    try {
      const page = await pdf.getPage(sheet.at);
      if (turn !== sheet.turn) return;
      sheet.size = page.getViewport({ scale: 1 });
      setSize(sheet);
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
      await layText(sheet, page, viewport, turn);
    } catch (error) {
      if (error?.name === "RenderingCancelledException" || turn !== sheet.turn) return;
      const sorry = document.createElement("p");
      sorry.className = "viewer__sorry";
      sorry.textContent = pages.dataset.failed;
      sheet.box.replaceChildren(sorry);
    }
  }

  /** The words over the picture, unseen: to be marked, copied, searched and read aloud. */
  async function layText(sheet, page, viewport, turn) {
    const layer = document.createElement("div");
    layer.className = "viewer__text";
    layer.lang = "ja";
    layer.style.setProperty("--total-scale-factor", sheet.scale);
    const text = new pdfjs.TextLayer({ textContentSource: page.streamTextContent(), container: layer, viewport });
    await text.render();
    if (turn === sheet.turn) sheet.box.append(layer);
  }

  function letGo(sheet) {
    if (!sheet.drawing) return;
    sheet.turn++;
    sheet.drawing.cancel?.();
    sheet.drawing = null;
    sheet.box.classList.remove("is-drawn");
    sheet.box.replaceChildren();
  }

  /* ---- Going and zooming ---------------------------------------------------------------- */

  function listen() {
    part("previous").addEventListener("click", () => go(shown - 1));
    part("next").addEventListener("click", () => go(shown + 1));
    part("smaller").addEventListener("click", () => zoomBy(-1));
    part("larger").addEventListener("click", () => zoomBy(1));
    part("fit").addEventListener("click", () => zoomTo(1));
    number.addEventListener("change", () => go(Number(number.value) || shown));
    number.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      go(Number(number.value) || shown);
    });
    pages.addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
    pages.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const act = {
        "+": () => zoomBy(1), ";": () => zoomBy(1), "-": () => zoomBy(-1), "0": () => zoomTo(1),
        ArrowRight: zoom > 1 ? null : () => go(shown + 1), ArrowLeft: zoom > 1 ? null : () => go(shown - 1),
        Home: () => go(1), End: () => go(sheets.length),
      }[event.key];
      if (!act || !sheets.length) return;
      event.preventDefault();
      act();
    });
  }

  function go(to) {
    if (!sheets.length) return;
    shown = Math.min(Math.max(1, Math.trunc(to)), sheets.length);
    pages.scrollTop = sheets[shown - 1].box.offsetTop - pages.offsetTop - parseFloat(getComputedStyle(pages).paddingTop);
    sayPlace();
  }

  /** Which page is in the upper third of the frame, whoever scrolled. */
  function follow() {
    if (!sheets.length) return;
    const line = pages.offsetTop + pages.scrollTop + pages.clientHeight / 3;
    const atEnd = pages.scrollTop + pages.clientHeight >= pages.scrollHeight - 2;
    const below = sheets.findIndex((sheet) => sheet.box.offsetTop > line);
    shown = atEnd || below < 0 ? sheets.length : Math.max(1, below);
    sayPlace();
  }

  function sayPlace() {
    if (document.activeElement !== number || Number(number.value) > sheets.length) number.value = shown;
    part("previous").disabled = shown <= 1;
    part("next").disabled = shown >= sheets.length;
  }

  function zoomBy(direction) {
    const at = ZOOMS.findIndex((one) => one >= zoom - 0.001);
    zoomTo(ZOOMS[Math.min(Math.max(0, at + direction), ZOOMS.length - 1)]);
  }

  function zoomTo(to) {
    if (!sheets.length) return;
    zoom = to;
    keepPlace(measure);
    part("smaller").disabled = zoom === ZOOMS[0];
    part("larger").disabled = zoom === ZOOMS.at(-1);
    part("fit").setAttribute("aria-pressed", zoom === 1);
  }

  /** What was in the middle of the frame stays there. */
  function keepPlace(act) {
    const middle = (pages.scrollTop + pages.clientHeight / 2) / (pages.scrollHeight || 1);
    act();
    pages.scrollTop = middle * pages.scrollHeight - pages.clientHeight / 2;
  }

  function sayZoom() {
    zoomSaid.textContent = `${Math.round((100 * sheets[0].scale) / CSS_PIXELS_PER_POINT)}%`;
  }
}
