// What the address of the page of bubbles says.

import { SIZES } from "./bubble-rows.js";
import { described } from "./series.js";
import { dayOf, numberOf, oneOf, rangeOf, rankOf, someOf } from "./state.js";

const RANKS = ["population", "density", "gdp", "cases"];

/** @param {"region" | "division"} kind @returns {string[]} those that have places */
export function present(kind) {
  const { groups, places } = described();
  // Towns are of none.
  return groups[kind].filter((name) => places.some((place) => place[kind] === name));
}

/** @returns the state of the page, as its address has it */
export function bubbleFields() {
  const { places, measures, first, last, weekly } = described();
  const geoids = places.map(({ geoid }) => geoid);
  const totals = measures.filter(({ kind }) => kind === "total");
  const names = totals.map(({ name }) => name);
  const perHead = totals.filter(({ per }) => per !== null);
  return {
    x: oneOf(names, perHead[0].name),
    y: oneOf(names, (perHead[1] ?? totals[1] ?? totals[0]).name),
    xscale: oneOf(["linear", "log"], "linear"),
    yscale: oneOf(["linear", "log"], "linear"),
    size: oneOf(/** @type {(keyof typeof SIZES)[]} */ (Object.keys(SIZES)), "population"),
    colour: oneOf(["region", "division"], "region"),
    day: dayOf(last, first, last),
    speed: weekly ? oneOf(["7", "14", "28", "56"], "28") : oneOf(["15", "30", "60", "120"], "60"),
    selected: someOf(geoids, []),
    faint: numberOf(0.2, 0, 1),
    region: someOf(present("region"), []),
    division: someOf(present("division"), []),
    population: rangeOf(),
    density: rangeOf(),
    gdp: rangeOf(),
    cases: rangeOf(),
    rank: rankOf(RANKS),
  };
}
