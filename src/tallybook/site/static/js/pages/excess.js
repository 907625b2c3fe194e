// The page of excess deaths: one place, week by week or month by month, beside those expected.

import { drawChart, notice } from "../chart.js";
import { dayText, isoDay, numberText } from "../format.js";
import { followDays } from "../hover.js";
import { sortable } from "../sort.js";
import { oneOf, onBack, readState, writeState } from "../state.js";

const DAY = 864e5;

/**
 * @typedef {[number, number | null, number | null, number | null, number | null]} Cells date, deaths, expected, low, high
 * @typedef {{place: string, headline: string, subtitle: string, period: string, first: boolean, periods: Cells[],
 *   areas: [number, number | null, number | null][]}} Place
 * @typedef {{date: number, reach: number, deaths: number | null, expected: number | null, low: number | null,
 *   high: number | null}} Period
 */

document.querySelectorAll("table.sortable").forEach(sortable);

const figure = /** @type {HTMLElement} */ (document.getElementById("excess"));
const select = /** @type {HTMLSelectElement} */ (document.getElementById("excess-place"));
/** @type {Place[]} */
const places = JSON.parse(document.getElementById("excess-data")?.textContent ?? "[]");
/** @type {any} the chart, once it is drawn */
let chart = null;
/** @type {Place} what it shows */
let shown = places.find(({ first }) => first) ?? places[0];
const fields = { place: oneOf(places.map(({ place }) => place), shown?.place) };
if (figure) begin();

/** Show what the address asks for, and what is chosen. */
function begin() {
  asked();
  onBack(asked);
  select.addEventListener("change", () => {
    writeState(fields, { place: select.value });
    show(select.value);
  });
}

/** Show what the address asks for. */
function asked() {
  const { state, wrong } = readState(fields);
  show(state.place);
  notice(figure, wrong.length ? "The address asks for a place that is not here; another one is shown." : "");
}

/** @param {string} name of a place */
async function show(name) {
  shown = /** @type {Place} */ (places.find(({ place }) => place === name));
  select.value = name;
  for (const [part, text] of Object.entries({ headline: shown.headline, subtitle: shown.subtitle })) {
    const element = figure.querySelector(`.chart-${part}`);
    if (element) element.textContent = text;
  }
  const data = { periods: periods(), areas: shown.areas.map(([date, expected, deaths]) => ({ date, expected, deaths })) };
  if (chart) await chart.show(data, { hov: null });
  else await begun(data);
  chart.canvas.setAttribute("aria-label", `${shown.headline}. Arrow keys move from ${shown.period} to ${shown.period}.`);
}

/** @returns {Period[]} what is shown, in order */
function periods() {
  const reach = (shown.period === "week" ? 3.5 : 16) * DAY;
  return shown.periods.map(([date, deaths, expected, low, high]) => ({ date, reach, deaths, expected, low, high }));
}

/** @param {Record<string, object[]>} data what is drawn first */
async function begun(data) {
  chart = await drawChart(figure, window.tallybook.specs.excess.excess, {
    data,
    label: "",
    height: 340,
    days: { source: "periods", text: (/** @type {Period} */ row) => `${when(row)}: ${sentence(row)}` },
    rows: () => ({
      columns: ["date", "deaths", "expected", "low", "high", "excess"],
      rows: periods().map((row) => [isoDay(row.date / DAY), row.deaths, row.expected, row.low, row.high, excess(row)]).reverse(),
    }),
  });
  followDays(chart, (date) => {
    const row = periods().find((one) => Math.abs(one.date - date) <= one.reach);
    return row ? { title: when(row), lines: lines(row) } : null;
  });
}

/** @param {Period} row @returns {string} the period in words */
function when(row) {
  const day = dayText(row.date / DAY);
  return shown.period === "week" ? `Week to ${day}` : day.replace(" 1,", "");
}

/** @param {Period} row @returns {number | null} deaths beyond those expected; null where one of them is not known */
function excess({ deaths, expected }) {
  return deaths === null || expected === null ? null : Math.round((deaths - expected) * 10) / 10;
}

/** @param {Period} row @returns {{name: string, value: string}[]} */
function lines(row) {
  const interval = row.low === null ? "none" : `${numberText(row.low)} to ${numberText(row.high)}`;
  return [
    { name: "Deaths", value: numberText(row.deaths) },
    { name: "Expected", value: numberText(row.expected) },
    { name: "95% interval", value: interval },
    { name: "Excess", value: numberText(excess(row)) },
  ];
}

/** @param {Period} row @returns {string} what a period is, to be read aloud */
function sentence(row) {
  return lines(row).map(({ name, value }) => `${name} ${value}`).join(", ");
}
