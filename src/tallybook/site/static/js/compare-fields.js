// What the address of the page that compares places says.

import { described } from "./series.js";
import { numberOf, oneOf, someOf } from "./state.js";

/** @returns the state of the page, as its address has it */
export function compareFields() {
  const { places, measures, defaults, since } = described();
  const geoids = places.map(({ geoid }) => geoid);
  const starts = since === null ? ["first", "cases", "per100k"] : ["since", "first", "cases", "per100k"];
  return {
    places: byShort(someOf(geoids, defaults)),
    measure: oneOf(measures.map(({ name }) => name), measures[0].name),
    x: oneOf(["day", "date"], "day"),
    scale: oneOf(["usual", "linear", "log"], "usual"),
    start: oneOf(starts, starts[0]),
    least: numberOf(100, 0.01, 1e9),
    at: numberOf(-1, -1, 1e6),
  };
}

/** In the address places are called as people write them: WA, not USA-53. @param {import("./state.js").Field<string[]>} field */
function byShort(field) {
  const { places } = described();
  const geoids = places.map(({ geoid }) => geoid);
  const short = new Map(places.map((place) => [place.short.replaceAll(",", ""), place.geoid]));
  const names = new Map(places.map((place) => [place.geoid, place.short.replaceAll(",", "")]));
  const unique = short.size === places.length;
  return {
    ...field,
    parse: (/** @type {string} */ text) => field.parse(text.split(",").map((word) => short.get(word) ?? word).join(",")),
    format: (/** @type {string[]} */ value) => {
      const chosen = geoids.filter((geoid) => value.includes(geoid));
      return chosen.map((geoid) => (unique ? names.get(geoid) : geoid)).join(",");
    },
  };
}
