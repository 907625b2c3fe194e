// Draws a compiled chart in a figure of a page, and keeps it: its size, its theme, its pictures, its table, its keys.

import { isDark } from "./dark.js";
import { addExports } from "./exports.js";
import { fillTable } from "./table.js";
import { walkDays } from "./walk.js";
import { wrapped } from "./words.js";

/**
 * @typedef {import("./csv.js").Cell} Cell
 * @typedef {Record<string, object[]>} Data the rows of each data source
 * @typedef {{columns: string[], rows: Cell[][]}} Rows
 *
 * @typedef {object} Options
 * @property {Data} data
 * @property {Record<string, unknown>} [signals]
 * @property {() => Rows} rows what is shown, as a table
 * @property {string} label what the drawing is, for those who do not see it
 * @property {number} [height] of the plot, in pixels
 * @property {{source: string, text: (row: any) => string}} [days] the data source the arrow keys walk through day by day, by
 *   its column `date`, and what is said of a row
 * @property {() => void} [resized] called when it has another width
 * @property {() => string} [more] a further line for pictures that leave the page, such as what the pointer reads
 */

const EMBED = {
  mode: "vega",
  renderer: "svg",
  ast: true,
  actions: false,
  defaultStyle: false,
  tooltip: { disableDefaultStyle: true },
  // Errors only: of a layer that is empty until something is looked at, Vega would warn that it has no extent.
  logLevel: 1,
};

/** So that no letter at the edge is cut. */
const PADDING = { left: 0, top: 4, right: 4, bottom: 4 };

/** A chart that is drawn. */
class Chart {
  /** @param {HTMLElement} figure @param {any} spec @param {Options} options */
  constructor(figure, spec, options) {
    this.figure = figure;
    this.spec = spec;
    this.options = options;
    this.data = options.data;
    this.signals = { ...options.signals };
    this.height = options.height ?? 420;
    this.canvas = /** @type {HTMLElement} */ (figure.querySelector(".chart-canvas"));
    this.drawing = document.createElement("div");
    this.drawing.className = "chart-drawing";
    this.canvas.prepend(this.drawing);
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", options.label);
    /** @type {any} */
    this.view = null;
  }

  /** Draw, for the first time or with another compiled chart. */
  async draw() {
    this.view?.finalize();
    this.width = this.canvas.clientWidth;
    const { view } = await window.vegaEmbed(this.drawing, filled(this.spec, this.data, this.now(), this), EMBED);
    this.view = view;
    // What the page showed until now.
    for (const other of [...this.canvas.children]) if (!other.matches(".chart-drawing, .readout")) other.remove();
    this.drawing.querySelector("svg")?.setAttribute("aria-hidden", "true");
    this.canvas.dataset.drawn = "true";
    return view;
  }

  /** The signals, and whether it is dark. */
  now() {
    return { ...this.signals, dark: isDark() };
  }

  /**
   * Show other data, with other signals, and draw once.
   * @param {Data} data
   * @param {Record<string, unknown>} [signals]
   * @param {{spec?: any, height?: number}} [other] another compiled chart, or another height
   */
  async show(data, signals = {}, { spec = this.spec, height = this.height } = {}) {
    this.data = { ...this.data, ...data };
    Object.assign(this.signals, signals);
    const anew = spec !== this.spec;
    this.spec = spec;
    this.height = height;
    if (anew) await this.draw();
    else await this.update(data, { ...signals, height });
    fillTable(this.figure, this.options.rows);
  }

  /**
   * Change the drawing only.
   * @param {Data} data
   * @param {Record<string, unknown>} [signals]
   */
  async update(data, signals = {}) {
    for (const [name, rows] of Object.entries(data)) this.view.data(name, copied(rows));
    for (const [name, value] of Object.entries(signals)) if (this.view.signal(name) !== value) this.view.signal(name, value);
    await this.view.runAsync();
  }

  /** @param {Record<string, unknown>} signals of the reader's hand: kept for pictures, too */
  set(signals) {
    Object.assign(this.signals, signals);
    return this.update({}, signals);
  }

  /** @param {string} name @param {object[]} rows */
  put(name, rows) {
    this.data = { ...this.data, [name]: rows };
    return this.update({ [name]: rows });
  }

  /** @returns {[number, number]} where the plot begins, in pixels of the canvas */
  origin() {
    const [left, top] = this.view.origin();
    return [left + PADDING.left, top + PADDING.top];
  }

  resized() {
    const width = this.canvas.clientWidth;
    if (!this.view || width === this.width || !width) return;
    this.width = width;
    this.view.width(width).resize().runAsync().then(() => this.options.resized?.());
  }

  /**
   * Draw what is shown beside the page, with its words in the picture.
   * @returns {Promise<any>} a view
   */
  async picture() {
    const spec = filled(this.spec, this.data, { ...this.now(), source: this.source() }, this);
    const { title, subtitle } = this.words();
    spec.title = { ...this.spec.usermeta.title, text: title, subtitle };
    spec.background = this.spec.background;
    const { view } = await window.vegaEmbed(document.createElement("div"), spec, EMBED);
    return view;
  }

  /** The headline and the subtitle of the figure, in lines. */
  words() {
    const width = this.width ?? 0;
    const text = (/** @type {string} */ name) => this.figure.querySelector(name)?.textContent?.trim() ?? "";
    const more = this.options.more?.() ?? "";
    const lines = [text(".chart-subtitle"), more].filter(Boolean).flatMap((line) => wrapped(line, width / 6.6));
    return { title: wrapped(text(".chart-headline"), width / 10.5), subtitle: lines };
  }

  source() {
    const text = this.figure.querySelector(".chart-source")?.textContent?.replace(/\s+/g, " ").trim() ?? "";
    return wrapped(text, (this.width ?? 0) / 5.8);
  }

  /** @param {string} text said to those who do not see it */
  say(text) {
    const live = this.figure.querySelector(".chart-live");
    if (live) live.textContent = text;
  }
}

/**
 * Draw a compiled chart in a figure.
 * @param {HTMLElement} figure as the template `figure` makes it
 * @param {any} spec of tallybook.specs
 * @param {Options} options
 * @returns {Promise<Chart>} with `view`, the drawing
 */
export async function drawChart(figure, spec, options) {
  const chart = new Chart(figure, spec, options);
  await chart.draw();
  new ResizeObserver(() => chart.resized()).observe(chart.canvas);
  document.addEventListener("themechange", (event) => {
    chart.view.signal("dark", /** @type {CustomEvent} */ (event).detail.dark).runAsync();
  });
  addExports(chart);
  fillTable(figure, options.rows);
  if (options.days) walkDays(chart, options.days);
  return chart;
}

/**
 * Say something beside the chart; nothing to take it back.
 * @param {HTMLElement} figure
 * @param {string} text
 */
export function notice(figure, text) {
  const place = /** @type {HTMLElement} */ (figure.querySelector(".chart-notice"));
  place.textContent = text;
  place.hidden = !text;
}

/**
 * Return a compiled chart with its data, signals and size, so that it is drawn once.
 * @param {any} spec
 * @param {Data} data
 * @param {Record<string, unknown>} signals
 * @param {{width?: number, height: number}} size
 */
function filled(spec, data, signals, { width, height }) {
  const made = { ...spec, width, height, autosize: { type: "fit-x", contains: "padding" }, padding: PADDING };
  made.data = spec.data.map((/** @type {any} */ source) => {
    const rows = data[source.name];
    return rows ? { ...source, values: copied(rows) } : source;
  });
  made.signals = spec.signals.map((/** @type {any} */ signal) => {
    return signal.name in signals ? { ...signal, value: signals[signal.name] } : signal;
  });
  return made;
}

/**
 * Vega marks the rows it is given with numbers of its own; rows that are given again have to come without.
 * @param {object[]} rows
 */
function copied(rows) {
  return rows.map((row) => ({ ...row }));
}
