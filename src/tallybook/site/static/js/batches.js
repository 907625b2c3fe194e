// Batch choices: many places with one click.

import { described, lastOf, valuesOf } from "./series.js";

/**
 * @typedef {object} Batch
 * @property {string} name
 * @property {string} title
 * @property {boolean} counted whether it takes so many places
 * @property {(count: number) => string[]} places the geoids
 */

/** @returns {Batch[]} the choices the release has places for; those of cases need the column of cases */
export function batches() {
  const { places, groups, measures } = described();
  const total = measures.find((measure) => measure.kind === "total" && measure.per === null);
  const perHead = measures.find((measure) => measure.kind === "total" && measure.per !== null);
  const ranked = [
    ...(total ? [["cases", `${words(total.metric)} in total`, ranks((at) => lastOf(valuesOf(total, at)))]] : []),
    ...(perHead ? [["rate", `${words(perHead.metric)} per 1,000 people`, ranks((at) => lastOf(valuesOf(perHead, at)))]] : []),
  ];
  const people = ranks((at) => places[at].population ?? NaN);
  const density = ranks((at) => places[at].density ?? NaN);
  const made = ranked.flatMap(([name, title, rank]) => [
    { name: `most-${name}`, title: `Most ${title}`, counted: true, places: (/** @type {number} */ n) => rank().slice(0, n) },
    { name: `fewest-${name}`, title: `Fewest ${title}`, counted: true, places: (/** @type {number} */ n) => rank().toReversed().slice(0, n) },
  ]);
  made.push(
    { name: "most-people", title: "Most populous", counted: true, places: (n) => people().slice(0, n) },
    { name: "fewest-people", title: "Least populous", counted: true, places: (n) => people().toReversed().slice(0, n) },
  );
  if (density().length) made.push({ name: "densest", title: "Densest", counted: true, places: (n) => density().slice(0, n) });
  for (const kind of /** @type {const} */ (["region", "division"])) {
    for (const group of groups[kind]) {
      const members = places.filter((place) => place[kind] === group).map(({ geoid }) => geoid);
      if (members.length && !(kind === "division" && groups.region.includes(group))) {
        made.push({ name: `${kind}-${group}`, title: group, counted: false, places: () => members });
      }
    }
  }
  return made;
}

/** @param {string} metric */
function words(metric) {
  return metric.replaceAll("_", " ");
}

/** @param {(at: number) => number} valueOf @returns {() => string[]} the geoids of the places that have a value, the largest first */
function ranks(valueOf) {
  return () =>
    described()
      .places.map(({ geoid }, at) => ({ geoid, value: valueOf(at) }))
      .filter(({ value }) => !Number.isNaN(value))
      .sort((a, b) => b.value - a.value || (a.geoid < b.geoid ? -1 : 1))
      .map(({ geoid }) => geoid);
}
