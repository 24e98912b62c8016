// Draws the picture of each table in a .chart-pair.  The table stays: it is what is read aloud, printed and linked from.
const styles = getComputedStyle(document.documentElement);
const colour = (name) => styles.getPropertyValue(name).trim();
const COLOURS = ["--color-primitive-light-blue-700", "--color-primitive-orange-600", "--color-primitive-green-600"].map(colour);
const [INK, LINE] = ["--color-neutral-solid-gray-700", "--color-neutral-solid-gray-200"].map(colour);
const BAR_PIXELS = 34;
const japanese = new Intl.NumberFormat("ja-JP");
const short = new Intl.NumberFormat("ja-JP", { notation: "compact" });

const seriesOf = (table) =>
  [...table.tHead.rows[0].cells].flatMap((head, column) => {
    if (!head.dataset.series) {
      return [];
    }
    const data = [...table.tBodies[0].rows].map((row) => {
      const { value } = row.cells[column].dataset;
      return value === "" ? null : Number(value);
    });
    return [{ type: head.dataset.series, label: head.textContent, unit: head.dataset.unit ?? "", data }];
  });

const datasetOf = (series, place) => ({
  ...series,
  borderColor: COLOURS[place],
  backgroundColor: COLOURS[place],
  borderWidth: series.type === "line" ? 3 : 0,
  order: series.type === "line" ? 0 : 1, // lines before bars
  maxBarThickness: 26,
  yAxisID: series.type === "line" ? "right" : undefined,
});

const axis = (unit, isWhole) => ({
  beginAtZero: true,
  title: { display: true, text: `単位：${unit}` },
  grid: { color: LINE },
  ticks: { callback: (value) => short.format(value), ...(isWhole ? { precision: 0 } : {}) },
});

const scalesOf = (series, isLying) => {
  const main = axis(series[0].unit, series[0].unit !== "日");
  const names = { grid: { display: false }, ticks: { autoSkip: !isLying } };
  if (isLying) {
    return { x: main, y: names };
  }
  const line = series.find((one) => one.type === "line");
  const right = line && { ...axis(line.unit, true), position: "right", grid: { display: false } };
  return { x: names, y: main, ...(right ? { right } : {}) };
};

const draw = (pair) => {
  const table = pair.querySelector("table");
  const isLying = pair.dataset.chart === "lying";
  const series = seriesOf(table);
  const labels = [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
  const box = document.createElement("div");
  box.className = "chart";
  if (isLying) {
    box.style.height = `${labels.length * BAR_PIXELS + 90}px`;
  }
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${table.caption.textContent}のグラフ。数値は表をご覧ください。`);
  box.append(canvas);
  pair.prepend(box);
  new Chart(canvas, {
    data: { labels, datasets: series.map((one, place) => datasetOf({ ...one, type: isLying ? "bar" : one.type }, place)) },
    options: {
      indexAxis: isLying ? "y" : "x",
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", axis: isLying ? "y" : "x", intersect: false },
      scales: scalesOf(series, isLying),
      plugins: {
        legend: { display: series.length > 1, position: "top" },
        tooltip: {
          callbacks: {
            label: ({ dataset, raw }) => `${dataset.label}：${raw === null ? "－" : japanese.format(raw) + dataset.unit}`,
          },
        },
      },
    },
  });
};

Chart.defaults.font.family = styles.getPropertyValue("--font") || "sans-serif";
Chart.defaults.font.size = 14;
Chart.defaults.color = INK;
await document.fonts.ready; // a canvas keeps the letters it was drawn with
document.querySelectorAll("[data-chart]").forEach(draw);
document.documentElement.dataset.charts = "drawn";
