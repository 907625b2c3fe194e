// The front page: the nation's days, the maps, the table.

import { drawChart } from "../chart.js";
import { drawDays } from "../days.js";
import { tenths } from "../format.js";
import { sortable } from "../sort.js";

drawDays();
drawMaps();
document.querySelectorAll("table.sortable").forEach(sortable);

/**
 * @typedef {{geoid: string, abbreviation: string | null, title: string, value: number | null}} Shaded
 */

/** Draw the tiles of the states and the map of the counties, where the page has them. */
function drawMaps() {
  const block = document.getElementById("map-data");
  if (!block) return;
  /** @type {Record<string, Shaded[]>} */
  const values = JSON.parse(block.textContent);
  drawMap("tiles", values.state);
  drawMap("counties", values.county);
}

/**
 * @param {string} name of the figure and of its chart
 * @param {Shaded[] | undefined} values what it shows
 */
async function drawMap(name, values) {
  const figure = document.getElementById(name);
  const spec = window.tallybook.specs[name]?.[name];
  if (!figure || !values || !spec) return;
  const told = values.map((one) => ({ ...one, text: tileText(one.value) }));
  const chart = await drawChart(figure, spec, {
    data: { values: told },
    label: `${figure.querySelector(".chart-headline")?.textContent}. The table below has the same numbers, with links.`,
    height: name === "tiles" ? tilesHeight(figure) : 480,
    rows: () => ({ columns: ["place", "per 100,000"], rows: told.map((one) => [one.title, one.value]) }),
  });
  chart.view.addEventListener("click", (/** @type {any} */ _event, /** @type {any} */ item) => {
    if (item?.datum?.geoid) location.href = `place/${item.datum.geoid}.html`;
  });
}

/** @param {number | null} value @returns {string} as a tile has room for it; what is not zero is never written as one */
function tileText(value) {
  if (value === null) return "";
  return value > 0 && value < 0.05 ? String(Number(value.toPrecision(1))) : tenths(value);
}

/** @param {HTMLElement} figure @returns {number} the height at which tiles are square: nine rows to eleven columns */
function tilesHeight(figure) {
  return Math.round((Math.min(figure.clientWidth, 680) * 9) / 11);
}
