// The controls of the filters.

import { valueOf } from "./controls.js";

const RANGES = ["population", "density", "gdp", "cases"];

/**
 * @param {{present: (kind: "region" | "division") => string[], groups: ("region" | "division")[]}} known
 * @param {(with_: Record<string, unknown>) => void} changed
 * @returns {{show: (filters: import("./filters.js").Filters) => void}}
 */
export function filterControls({ present, groups }, changed) {
  for (const kind of groups) {
    const list = /** @type {HTMLElement} */ (document.getElementById(`filter-${kind}`));
    list.append(...present(kind).map(box));
    list.hidden = !present(kind).length;
    list.addEventListener("change", () => changed({ [kind]: boxes(kind).filter(({ checked }) => checked).map(({ value }) => value) }));
  }
  for (const key of RANGES) {
    for (const end of ["from", "to"]) {
      document.getElementById(`${key}-${end}`)?.addEventListener("change", () => changed({ [key]: [bound(`${key}-from`), bound(`${key}-to`)] }));
    }
  }
  for (const part of ["end", "number", "key"]) {
    document.getElementById(`rank-${part}`)?.addEventListener("change", () => changed({ rank: rank() }));
  }
  return { show };
}

/** @returns {import("./filters.js").Filters["rank"]} */
function rank() {
  const end = valueOf("rank-end");
  if (end !== "top" && end !== "bottom") return null;
  return { end, count: Math.max(1, Math.min(9999, Math.round(+valueOf("rank-number")) || 10)), key: valueOf("rank-key") };
}

/** @param {import("./filters.js").Filters} filters */
function show({ region, division, ranges, rank: ranked }) {
  for (const input of boxes("region")) input.checked = region.includes(input.value);
  for (const input of boxes("division")) input.checked = division.includes(input.value);
  for (const [key, [from, to]] of Object.entries(ranges)) {
    set(`${key}-from`, from);
    set(`${key}-to`, to);
  }
  set("rank-end", ranked?.end ?? "all");
  if (ranked) {
    set("rank-number", ranked.count);
    set("rank-key", ranked.key);
  }
}

/** @param {string} id @param {string | number | null} value */
function set(id, value) {
  /** @type {HTMLInputElement} */ (document.getElementById(id)).value = value === null ? "" : String(value);
}

/** @param {string} id @returns {number | null} */
function bound(id) {
  const text = valueOf(id).trim();
  return text === "" || Number.isNaN(+text) ? null : +text;
}

/** @param {string} kind @returns {HTMLInputElement[]} */
function boxes(kind) {
  return [...document.querySelectorAll(`#filter-${kind} input`)].map((input) => /** @type {HTMLInputElement} */ (input));
}

/** @param {string} name */
function box(name) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "checkbox";
  input.value = name;
  label.append(input, ` ${name}`);
  return label;
}
