// The figures of the places: columns of differences, loaded when they are wanted, and the measures made of them.

import { dayText, weekText } from "./format.js";

/**
 * @typedef {object} Measure
 * @property {string} name
 * @property {string} title
 * @property {string} metric
 * @property {"total" | "new" | "average"} kind
 * @property {number | null} per
 * @property {boolean} log
 *
 * @typedef {object} Place
 * @property {string} geoid
 * @property {string} title
 * @property {string} short
 * @property {string | null} region
 * @property {string | null} division
 * @property {number | null} population
 * @property {number | null} density
 * @property {number | null} gdp
 * @property {number} first
 * @property {number} colour
 * @property {string[]} opening
 *
 * @typedef {object} Series a value per day from a first day on; NaN where it is not known
 * @property {number} first
 * @property {Float64Array} values
 */

/** @returns {{level: string, weekly: boolean, first: number, last: number, since: number | null, measures: Measure[], places: Place[],
 *   defaults: string[], groups: Record<string, string[]>, all: string}} what is known of the places */
export function described() {
  return window.tallybook.series;
}

/** @param {number} day @returns {string} the day in words, or its week where the places are counted by week */
export function whenText(day) {
  return described().weekly ? weekText(day) : dayText(day);
}

/** @type {Map<string, Series[]>} */
const decoded = new Map();

/** @param {Measure} measure @returns {string} the column it is made of */
function columnOf(measure) {
  return measure.kind === "average" ? measure.name : measure.metric;
}

/** @param {string} name @returns {Promise<void>} done when the script below assets is there */
export function loaded(name) {
  const known = document.querySelector('script[src*="assets/series.js"]')?.getAttribute("src") ?? "assets/series.js";
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = known.replace(/series\.js.*$/, name);
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`${name} could not be loaded`));
    document.head.append(script);
  });
}

/** @param {Measure[]} measures @returns {Promise<void>} done when their columns are there */
export async function ready(...measures) {
  const wanted = [...new Set(measures.map(columnOf))].filter((name) => !window.tallybook.columns?.[name]);
  await Promise.all(wanted.map((name) => loaded(`series/${name}.js`)));
}

/** @param {string} name @returns {Series[]} the column of every place; it is there */
function column(name) {
  const known = decoded.get(name);
  if (known) return known;
  const { first, steps } = window.tallybook.columns[name];
  const made = steps.map((/** @type {(number | null)[]} */ row, /** @type {number} */ at) => {
    const values = new Float64Array(row.length);
    let total = 0;
    for (let day = 0; day < row.length; day += 1) {
      const step = row[day];
      if (step === null) values[day] = NaN;
      else values[day] = total += step;
    }
    return { first: first[at], values };
  });
  decoded.set(name, made);
  return made;
}

/**
 * Return a measure of a place.
 * @param {Measure} measure its column is there
 * @param {number} at which place
 * @returns {Series}
 */
export function valuesOf(measure, at) {
  const { first, values } = column(columnOf(measure))[at];
  const place = described().places[at];
  if (measure.kind === "average") return { first, values: values.map((value) => value / 100) };
  if (measure.kind === "new") return { first, values: newCounts(values, place.opening.includes(measure.metric)) };
  if (measure.per === null) return { first, values };
  const people = place.population || NaN;
  return { first, values: values.map((value) => (value * /** @type {number} */ (measure.per)) / people) };
}

/**
 * New counts: each total less the last one known. The first total is new, unless counting began before it.
 * @param {Float64Array} totals
 * @param {boolean} opening
 */
export function newCounts(totals, opening) {
  let last = opening ? NaN : 0;
  return totals.map((total) => {
    const step = total - last;
    if (!Number.isNaN(total)) last = total;
    return step;
  });
}

/**
 * @typedef {{kind: "since" | "first" | "cases" | "per100k", least: number}} Start what makes day 1
 */

/**
 * Return the day that is day 1 of a place's outbreak; null where it never began.
 * @param {number} at which place
 * @param {Start} start
 * @returns {number | null} days since 1970
 */
export function dayOne(at, start) {
  const { since, places, measures } = described();
  return dayOneOf(column(measures[0].metric)[at], start, start.kind === "since" ? since : null, places[at].population);
}

/**
 * @param {Series} totals
 * @param {Start} start
 * @param {number | null} since the first day that can be day 1
 * @param {number | null} population
 */
export function dayOneOf({ first, values }, start, since, population) {
  const least = start.kind === "per100k" ? (start.least * (population ?? NaN)) / 1e5 : start.kind === "cases" ? start.least : 1;
  for (let day = Math.max(0, (since ?? first) - first); day < values.length; day += 1) {
    if (values[day] >= least) return first + day;
  }
  return null;
}

/** @param {Series} series @returns {number} its last known value; NaN where there is none */
export function lastOf({ values }) {
  for (let day = values.length - 1; day >= 0; day -= 1) if (!Number.isNaN(values[day])) return values[day];
  return NaN;
}
