// What readers take with them: the picture as PNG and SVG, the rows as CSV, and a line of HTML to show the chart elsewhere.

import { csvText } from "./csv.js";

/** @param {any} chart */
export function addExports(chart) {
  const { figure, options } = chart;
  const actions = /** @type {HTMLElement} */ (figure.querySelector(".chart-actions"));
  const name = `${figure.id}-${document.title.split(" · ")[0].toLowerCase().replace(/\W+/g, "-")}`;
  const makers = {
    PNG: async () => save(await pngOf(await chart.picture()), `${name}.png`),
    SVG: async () => save(new Blob([await svgOf(await chart.picture())], { type: "image/svg+xml" }), `${name}.svg`),
    CSV: async () => {
      const { columns, rows } = options.rows();
      save(new Blob([csvText(columns, rows)], { type: "text/csv;charset=utf-8" }), `${name}.csv`);
    },
  };
  const buttons = Object.entries(makers).map(([kind, make]) => button(`Download ${kind}`, make));
  actions.replaceChildren(...buttons, embedding(figure));
}

/** @param {string} text @param {() => unknown} act */
function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

/** @param {any} view @returns {Promise<Blob>} */
async function pngOf(view) {
  const canvas = await view.toCanvas(2);
  view.finalize();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** @param {any} view @returns {Promise<string>} */
async function svgOf(view) {
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @param {HTMLElement} figure @returns {HTMLElement} the line of HTML, made when it is asked for */
function embedding(figure) {
  const details = document.createElement("details");
  details.className = "embed";
  const summary = document.createElement("summary");
  summary.textContent = "Embed";
  const text = document.createElement("textarea");
  text.readOnly = true;
  text.rows = 3;
  text.setAttribute("aria-label", "HTML that shows this chart on another page");
  details.append(summary, text);
  details.addEventListener("toggle", () => {
    const address = new URL(location.href);
    address.searchParams.set("embed", "1");
    // Of a page with several charts, this one.
    address.hash = figure.id;
    const title = figure.querySelector(".chart-headline")?.textContent?.trim() ?? document.title;
    const frame = document.createElement("iframe");
    for (const [key, value] of Object.entries({ src: address.href, title, width: "100%", height: "640", loading: "lazy" })) {
      frame.setAttribute(key, value);
    }
    text.value = frame.outerHTML;
    if (details.open) text.select();
  });
  return details;
}
