// The numbers behind a chart, as a table, made when it is opened.

import { numberText } from "./format.js";

const MOST = 500;

/**
 * Fill the table of a figure if it is open, and whenever it is opened.
 * @param {HTMLElement} figure
 * @param {() => {columns: string[], rows: import("./csv.js").Cell[][]}} rows
 */
export function fillTable(figure, rows) {
  const details = /** @type {HTMLDetailsElement | null} */ (figure.querySelector("details.chart-table"));
  if (!details) return;
  details.hidden = false;
  details.ontoggle = () => {
    if (details.open) fill(details, rows());
  };
  if (details.open) fill(details, rows());
}

/** @param {HTMLElement} details @param {{columns: string[], rows: import("./csv.js").Cell[][]}} shown */
function fill(details, { columns, rows }) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  columns.forEach((name, at) => {
    const made = cell("th", name.replaceAll("_", " "));
    made.scope = "col";
    if (typeof rows[0]?.[at] === "number") made.className = "num";
    head.append(made);
  });
  const body = table.createTBody();
  for (const row of rows.slice(0, MOST)) {
    const line = body.insertRow();
    line.append(...row.map((value) => cell("td", value)));
  }
  if (rows.length > MOST) {
    table.createCaption().textContent = `The first ${MOST} of ${rows.length.toLocaleString("en-US")} rows; the CSV file has all.`;
  }
  details.querySelector(".table-scroll")?.replaceChildren(table);
}

/** @param {"td" | "th"} kind @param {import("./csv.js").Cell} value */
function cell(kind, value) {
  const made = document.createElement(kind);
  if (typeof value === "number" || value === null) made.className = "num";
  made.textContent = typeof value === "string" ? value : numberText(value);
  return made;
}

