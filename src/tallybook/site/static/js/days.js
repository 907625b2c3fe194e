// The charts of a place: its days, their average, its anomalies.

import { drawChart } from "./chart.js";
import { dayText, isoDay, numberText, weekEnd, weekText } from "./format.js";
import { followDays } from "./hover.js";

const DAY = 864e5;

/**
 * @typedef {{date: string, end: string | null, text: string, id: string}} Anomaly
 * @typedef {{unit: string, absent: Record<string, number[]>, new: (number | null)[], avg: (number | null)[], omitted: number[], anomalies: Anomaly[]}} Days
 * @typedef {{geoid: string, title: string, start: string, by: "day" | "week", metrics: Record<string, Days>}} PlaceData
 * @typedef {{date: number, new: number | null, avg: number | null, omitted: boolean, text: string, absent: string}} Row
 */

/** Draw the chart of every metric whose figure is on the page. */
export function drawDays() {
  const block = document.getElementById("place-data");
  if (!block) return;
  /** @type {PlaceData} */
  const data = JSON.parse(block.textContent ?? "");
  for (const [metric, days] of Object.entries(data.metrics)) {
    const figure = /** @type {HTMLElement | null} */ (document.querySelector(`figure[data-metric="${metric}"]`));
    if (figure) drawMetric(figure, metric, days, data);
  }
}

/**
 * @param {HTMLElement} figure
 * @param {string} metric
 * @param {Days} days
 * @param {PlaceData} data
 */
async function drawMetric(figure, metric, days, data) {
  const start = Date.parse(data.start);
  const end = start + (days.new.length - 1) * DAY;
  const marks = days.anomalies
    .map(({ date, text, id }) => ({ date: Date.parse(date), text: `${dayText(Date.parse(date) / DAY)}: ${text}`, id }))
    .filter(({ date }) => date >= start && date <= end);
  const series = rowsOf(days, start, marks);
  const specs = window.tallybook.specs.place;
  const { by } = data;
  // A week's count stands on its Saturday, and is what keys and tables go by.
  const counted = by === "day" ? series : series.filter((row) => weekEnd(row.date / DAY) === row.date / DAY);
  const chart = await drawChart(figure, specs[metric] ?? specs.cases, {
    data: { series, marks, counted },
    label: `New ${days.unit} a ${by} in ${data.title}, with their average a day. Arrow keys move from ${by} to ${by}.`,
    height: 300,
    days: { source: "counted", text: (row) => sentence(row, days.unit, by) },
    rows: () => ({
      columns: ["date", `new ${days.unit}`, "average", "left out of averages", "anomaly"],
      rows: counted.map((row) => [isoDay(row.date / DAY), row.new, row.avg, row.omitted ? "yes" : "", row.text]).reverse(),
    }),
  });
  followDays(chart, (date) => {
    const day = by === "day" ? date : weekEnd(date / DAY) * DAY;
    return told(series[(day - start) / DAY], days.unit, by);
  });
  chart.view.addEventListener("click", (/** @type {any} */ _event, /** @type {any} */ item) => {
    const id = item?.datum?.id;
    if (id && document.getElementById(id)) location.hash = id;
  });
}

/**
 * @param {Days} days
 * @param {number} start the first day, in milliseconds since 1970
 * @param {{date: number, text: string}[]} marks
 * @returns {Row[]} a row per day, with what is said of it
 */
function rowsOf(days, start, marks) {
  /** @type {Map<number, string>} */
  const said = new Map();
  for (const { date, text } of marks) said.set(date, [said.get(date), text].filter(Boolean).join(" "));
  const omitted = new Set(days.omitted);
  /** @type {Map<number, string>} */
  const absent = new Map(Object.entries(days.absent).flatMap(([why, at]) => at.map((day) => [day, why])));
  return days.new.map((count, day) => {
    const date = start + day * DAY;
    return { date, new: count, avg: days.avg[day], omitted: omitted.has(day), text: said.get(date) ?? "", absent: absent.get(day) ?? "not reported" };
  });
}

/** @param {Row} row @param {"day" | "week"} by @returns {string} the day, or its week, in words */
function when(row, by) {
  return by === "day" ? dayText(row.date / DAY) : weekText(row.date / DAY);
}

/** @param {Row} row @param {string} unit @param {"day" | "week"} by @returns {string} what a day is, to be read aloud */
function sentence(row, unit, by) {
  const count = row.new === null ? `new ${unit} ${row.absent}` : `${numberText(row.new)} new ${unit}`;
  const left = row.omitted ? ", left out of averages" : "";
  return `${when(row, by)}: ${count}${left}, average ${numberText(row.avg)}. ${row.text}`.trim();
}

/** @param {Row | undefined} row @param {string} unit @param {"day" | "week"} by */
function told(row, unit, by) {
  if (!row) return null;
  const lines = [
    { name: `New ${unit}`, value: row.new === null ? row.absent : numberText(row.new) },
    { name: by === "day" ? "Average" : "Average a day", value: numberText(row.avg) },
  ];
  if (row.omitted) lines.push({ name: "Left out of averages", value: "" });
  return { date: row.date, title: when(row, by), lines };
}
