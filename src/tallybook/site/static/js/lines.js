// The lines of the comparison: what is drawn, where its labels stand, and what is on a day.

import { dateTicks, dayTicks, apart, niceTop, weekTicks } from "./ticks.js";
import { dayOne, described, valuesOf } from "./series.js";

const GAP = 13;
const MOST_LABELS = 60;

/**
 * @typedef {object} Line
 * @property {string} geoid
 * @property {string} title
 * @property {string} short
 * @property {number} colour
 * @property {number} origin the day since 1970 that is x = 0
 * @property {number} left the first x
 * @property {Float64Array} values from there on; NaN where there is none
 */

/**
 * Return a line per place that has a value to show. It ends at the place's last day: nothing is extrapolated.
 * @param {string[]} geoids
 * @param {import("./series.js").Measure} measure
 * @param {{x: string, start: import("./series.js").Start, log: boolean}} how
 * @returns {Line[]}
 */
export function linesOf(geoids, measure, { x, start, log }) {
  const { places } = described();
  return places.flatMap((place, at) => {
    if (!geoids.includes(place.geoid)) return [];
    const { first, values } = valuesOf(measure, at);
    const one = x === "day" ? dayOne(at, start) : 1;
    if (one === null) return [];
    const origin = one - 1;
    const left = Math.max(first - origin, x === "day" ? 1 : first - origin);
    const shown = values.slice(left + origin - first).map((value) => (log && !(value > 0) ? NaN : value));
    const { geoid, title, short, colour } = place;
    return shown.some((value) => !Number.isNaN(value)) ? [{ geoid, title, short, colour, origin, left, values: shown }] : [];
  });
}

/**
 * Return the rows that are drawn. Totals are drawn in weekly steps where there are many days: no eye sees a difference, and the
 * first picture is there sooner. Counts of single days are never thinned: weekly reporting would become a pattern. Lines of
 * averages have gaps where nothing is known; between counts nobody reported, lines lead from one to the next.
 * @param {Line[]} lines
 * @param {"total" | "new" | "average"} kind
 */
export function rowsOf(lines, kind) {
  const rows = [];
  for (const { geoid, colour, left, values } of lines) {
    const step = kind === "total" && values.length > 400 ? 7 : 1;
    let last = values.length - 1;
    while (last > 0 && Number.isNaN(values[last])) last -= 1;
    for (let at = last % step; at <= last; at += step) {
      const known = !Number.isNaN(values[at]);
      if (known || kind === "average") rows.push({ geoid, colour, x: left + at, value: known ? values[at] : null });
    }
  }
  return rows;
}

/**
 * Return where the axes end and what ticks they have.
 * @param {Line[]} lines
 * @param {{x: string, log: boolean}} how
 */
export function extentOf(lines, { x, log }) {
  let left = Infinity;
  let right = -Infinity;
  let least = Infinity;
  let most = -Infinity;
  for (const line of lines) {
    left = Math.min(left, line.left);
    right = Math.max(right, line.left + line.values.length - 1);
    for (const value of line.values) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  if (!lines.length) [left, right, least, most] = [1, 2, 0, 1];
  const bydate = x === "date";
  return {
    left,
    right: Math.max(right, left + 1),
    bottom: log ? 10 ** Math.floor(Math.log10(least > 0 ? least : 1)) : least < 0 ? -niceTop(-least) : 0,
    top: log ? Math.max(most, (least > 0 ? least : 1) * 10) : niceTop(most),
    ticks: bydate ? dateTicks(left, right) : described().weekly ? weekTicks(right) : dayTicks(right),
    bydate,
    weekly: described().weekly,
    dates: right - left < 62 ? "%b %-d, %Y" : "%b %Y",
  };
}

/** @param {number} count of lines @returns {number} the pixels a chart needs so that their labels do not collide */
export function heightOf(count) {
  return Math.max(420, Math.min(count, MOST_LABELS) * GAP);
}

/**
 * Return the labels at the ends of the lines, kept apart; of very many lines, those of the highest.
 * @param {Line[]} lines
 * @param {{bottom: number, top: number}} extent
 * @param {{log: boolean, height: number}} how
 */
export function labelsOf(lines, { bottom, top }, { log, height }) {
  const to = log ? Math.log10 : Number;
  const ends = lines
    .map(({ geoid, short, colour, left, values }) => {
      let last = values.length - 1;
      while (Number.isNaN(values[last])) last -= 1;
      return { geoid, text: short, colour, x: left + last, value: values[last] };
    })
    .sort((a, b) => b.value - a.value || (a.geoid < b.geoid ? -1 : 1))
    .slice(0, MOST_LABELS);
  const wanted = ends.map(({ value }) => height * (1 - (to(value) - to(bottom)) / (to(top) - to(bottom))));
  const placed = apart(wanted, GAP, height);
  return ends.map((end, at) => ({ ...end, at: placed[at] }));
}

/**
 * Return what the lines have on a day, the largest first. A line that has ended, or not begun, has nothing.
 * @param {Line[]} lines
 * @param {number} x
 */
export function valuesAt(lines, x) {
  return lines
    .map((line) => ({ line, geoid: line.geoid, colour: line.colour, x, value: line.values[x - line.left] }))
    .filter(({ value }) => value !== undefined && !Number.isNaN(value))
    .sort((a, b) => b.value - a.value || (a.geoid < b.geoid ? -1 : 1))
    .map((row, at) => ({ ...row, rule: at === 0 }));
}
