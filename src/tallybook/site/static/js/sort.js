// Tables that a reader sorts: a click on a column's head, by what its cells say in `data-value`, or in text.

/**
 * Make the heads of a table buttons that sort its rows.
 * @param {HTMLTableElement} table a table whose heads say in `data-sort` whether they sort by number or by text
 */
export function sortable(table) {
  for (const head of table.tHead.querySelectorAll("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => sortBy(table, head));
  }
}

/**
 * Sort by a column: numbers from the largest, text from A; the other way round the second time. Blanks stay last.
 * @param {HTMLTableElement} table the table
 * @param {HTMLTableCellElement} head the head of the column
 */
function sortBy(table, head) {
  const numbers = head.dataset.sort === "number";
  const now = head.getAttribute("aria-sort");
  const ascending = now ? now === "descending" : !numbers;
  for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const keyed = [...table.tBodies[0].rows].map((row) => ({ row, key: keyOf(row.cells[head.cellIndex], numbers) }));
  const sign = ascending ? 1 : -1;
  keyed.sort((one, other) => compare(one.key, other.key, sign));
  table.tBodies[0].append(...keyed.map(({ row }) => row));
}

/**
 * @param {HTMLTableCellElement} cell a cell
 * @param {boolean} number whether it holds a number
 * @returns {number | string | null} what the cell is sorted by; null where it is blank
 */
function keyOf(cell, number) {
  const text = cell.dataset.value ?? cell.textContent.trim();
  if (text === "") return null;
  return number ? Number(text) : text;
}

/**
 * @param {number | string | null} one a key
 * @param {number | string | null} other another
 * @param {number} sign 1 or -1
 * @returns {number} which comes first
 */
function compare(one, other, sign) {
  if (one === null || other === null) return (one === null ? 1 : 0) - (other === null ? 1 : 0);
  return sign * (typeof one === "number" ? one - other : String(one).localeCompare(String(other), "en"));
}
