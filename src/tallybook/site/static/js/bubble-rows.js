// The rows of the bubbles: one per place, with its whole history, so that a day is one number for all of them.

import { described, lastOf, valuesOf } from "./series.js";
import { niceTop } from "./ticks.js";

const LARGEST = 2400;
const PLAIN = 90;
const NAMED = 8;

/** What the area can say: its key in a place, and its words. */
export const SIZES = /** @type {const} */ ({
  population: { key: "population", words: "population", lacks: "population" },
  density: { key: "density", words: "people per square kilometre", lacks: "land area or population" },
  gdp: { key: "gdp", words: "gross domestic product of 2019", lacks: "GDP figure" },
  none: { key: null, words: "", lacks: "" },
});

/** @param {import("./series.js").Measure} cases its column is there @returns {import("./filters.js").Known[]} the places with their cases so far */
export function knownPlaces(cases) {
  return described().places.map((place, at) => {
    const last = lastOf(valuesOf(cases, at));
    return { ...place, cases: Number.isNaN(last) ? null : last };
  });
}

/** Totals: a day without a report has the count of the day before. @param {Float64Array} values */
function filledOf(values) {
  const made = Array(values.length).fill(null);
  let last = null;
  for (let day = 0; day < values.length; day += 1) {
    if (!Number.isNaN(values[day])) last = values[day];
    made[day] = last;
  }
  return made;
}

/**
 * Return a row per place that is left and has a size, the largest first, so that small ones stand before them.
 * @param {Set<string>} left
 * @param {{x: import("./series.js").Measure, y: import("./series.js").Measure, size: keyof typeof SIZES, colour: "region" | "division"}} how
 */
export function bubbleRows(left, { x, y, size, colour }) {
  const { key } = SIZES[size];
  const rows = described().places.flatMap((place, at) => {
    const value = key === null ? 1 : place[key];
    if (!left.has(place.geoid) || value === null) return [];
    const { first, values } = valuesOf(x, at);
    const other = valuesOf(y, at);
    return [
      {
        ...{ geoid: place.geoid, title: place.title, text: place.short, group: place[colour] ?? described().all },
        ...{ size: value, first, xs: filledOf(values), ys: aligned(other, first, values.length) },
      },
    ];
  });
  rows.sort((a, b) => b.size - a.size || (a.geoid < b.geoid ? -1 : 1));
  const most = rows[0]?.size ?? 1;
  return rows.map((row, at) => ({ ...row, area: key === null ? PLAIN : (row.size / most) * LARGEST, largest: at < NAMED }));
}

/** @param {import("./series.js").Series} series @param {number} first @param {number} length */
function aligned(series, first, length) {
  const all = filledOf(series.values);
  return Array.from({ length }, (_, day) => all[first + day - series.first] ?? null);
}

/**
 * Return the trails of the places that are selected.
 * @param {ReturnType<typeof bubbleRows>} rows
 * @param {string[]} selected
 */
export function trailRows(rows, selected) {
  return rows
    .filter(({ geoid }) => selected.includes(geoid))
    .flatMap(({ geoid, group, first, xs, ys }) => xs.map((x, day) => ({ geoid, group, day: first + day, x, y: ys[day] })));
}

/**
 * Return where the axes end: for the whole record, so that playing moves bubbles and not axes.
 * @param {ReturnType<typeof bubbleRows>} rows
 * @param {{xlog: boolean, ylog: boolean}} logs
 */
export function endsOf(rows, { xlog, ylog }) {
  return { ...ends("x", rows.map(({ xs }) => xs), xlog), ...ends("y", rows.map(({ ys }) => ys), ylog) };
}

/** @param {string} name @param {(number | null)[][]} values @param {boolean} log */
function ends(name, values, log) {
  let most = 0;
  let least = Infinity;
  for (const row of values) {
    for (const value of row) {
      if (value === null) continue;
      if (value > most) most = value;
      if (value > 0 && value < least) least = value;
    }
  }
  const bottom = least === Infinity ? 1 : 10 ** Math.floor(Math.log10(least));
  return log ? { [`${name}left`]: bottom, [`${name}right`]: Math.max(most, bottom * 10) } : { [`${name}left`]: 0, [`${name}right`]: niceTop(most) };
}
