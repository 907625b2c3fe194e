// Filters of places: each leaves some, and all of them together what every one leaves; that may be none.

/**
 * @typedef {object} Filters
 * @property {string[]} region names; empty: any
 * @property {string[]} division names; empty: any
 * @property {Record<string, [number | null, number | null]>} ranges by key: from and to; null: open
 * @property {{key: string, count: number, end: "top" | "bottom"} | null} rank the largest or smallest of all places
 *
 * @typedef {import("./series.js").Place & {cases: number | null}} Known
 */

/**
 * @param {Known[]} places
 * @param {Filters} filters
 * @returns {{left: Set<string>, lacking: {key: string, titles: string[]}[]}} the geoids that are left, and which places a
 *   filter left out because they have no such figure
 */
export function filtered(places, filters) {
  const tests = [];
  const lacking = [];
  for (const kind of /** @type {const} */ (["region", "division"])) {
    if (filters[kind].length) tests.push((/** @type {Known} */ place) => filters[kind].includes(place[kind] ?? ""));
  }
  for (const [key, [from, to]] of Object.entries(filters.ranges)) {
    if (from === null && to === null) continue;
    lacking.push({ key, titles: without(places, key) });
    tests.push((/** @type {any} */ place) => place[key] !== null && place[key] >= (from ?? -Infinity) && place[key] <= (to ?? Infinity));
  }
  if (filters.rank) {
    const { key, count, end } = filters.rank;
    lacking.push({ key, titles: without(places, key) });
    const first = new Set(ranked(places, key, end).slice(0, count));
    tests.push((/** @type {Known} */ place) => first.has(place.geoid));
  }
  const left = places.filter((place) => tests.every((test) => test(place))).map(({ geoid }) => geoid);
  return { left: new Set(left), lacking: lacking.filter(({ titles }) => titles.length) };
}

/** @param {Known[]} places @param {string} key @returns {string[]} the titles of those that have no such figure */
export function without(places, key) {
  return places.filter((/** @type {any} */ place) => place[key] === null || place[key] === undefined).map(({ title }) => title);
}

/** @param {Known[]} places @param {string} key @param {"top" | "bottom"} end */
function ranked(places, key, end) {
  const sign = end === "top" ? -1 : 1;
  return places
    .filter((/** @type {any} */ place) => place[key] !== null)
    .sort((/** @type {any} */ a, /** @type {any} */ b) => sign * (a[key] - b[key]) || (a.geoid < b.geoid ? -1 : 1))
    .map(({ geoid }) => geoid);
}
