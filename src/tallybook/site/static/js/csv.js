// CSV of what is shown.

/** @typedef {string | number | null} Cell */

/**
 * @param {string[]} columns
 * @param {Cell[][]} rows
 * @returns {string} the rows as CSV; a missing value is an empty cell
 */
export function csvText(columns, rows) {
  return [columns, ...rows].map((row) => `${row.map(cellText).join(",")}\r\n`).join("");
}

/** Text that a spreadsheet would take for a formula gets an apostrophe before it. */
const FORMULA = /^[=+\-@\t\r]/;

/** @param {Cell} cell */
function cellText(cell) {
  if (cell === null) return "";
  if (typeof cell === "number") return Number.isNaN(cell) ? "" : String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
