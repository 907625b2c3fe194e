// What is said of bubbles.

import { SIZES } from "./bubble-rows.js";
import { numberText, plural } from "./format.js";

/** @typedef {{x: import("./series.js").Measure, y: import("./series.js").Measure, size: keyof typeof SIZES}} Shown */

/**
 * @param {{row: {size: number}, x: number | null, y: number | null}} bubble
 * @param {Shown} shown
 * @returns {{name: string, value: string}[]} what it has on the axes and as its area
 */
export function linesFor({ row, x: across, y: up }, { x, y, size }) {
  const { key, words } = SIZES[size];
  return [
    { name: x.title, value: numberText(across) },
    { name: y.title, value: numberText(up) },
    ...(key ? [{ name: words.replace(/^./, (letter) => letter.toUpperCase()), value: sizeText(row.size, size) }] : []),
  ];
}

/** @param {number} value @param {keyof typeof SIZES} size */
function sizeText(value, size) {
  if (size === "gdp") return `$${numberText(Math.round(value))} million`;
  return numberText(size === "population" ? value : Math.round(value * 10) / 10);
}

/**
 * @param {{key: string, titles: string[]}[]} lacking
 * @returns {string} which places were left out because they have no such figure
 */
export function lackingText(lacking) {
  return lacking
    .map(({ key, titles }) => `${plural(titles.length, "place")} left out, without ${figure(key)}: ${titles.join(", ")}.`)
    .join(" ");
}

/** @param {string} key */
function figure(key) {
  return key in SIZES ? SIZES[/** @type {keyof typeof SIZES} */ (key)].lacks : "a number of cases";
}
