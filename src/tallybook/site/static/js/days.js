/** The charts of a place: its days, their average, its anomalies. */

import { drawChart } from "./chart.js";

const DAY = 86_400_000;

/**
 * @typedef {{date: string, end: string | null, text: string, id: string}} Anomaly
 * @typedef {{unit: string, new: (number | null)[], avg: (number | null)[], omitted: number[], anomalies: Anomaly[]}} Days
 * @typedef {{geoid: string, title: string, start: string, metrics: Record<string, Days>}} PlaceData
 */

/** Draw the chart of every metric whose figure is on the page. */
export function drawDays() {
  const block = document.getElementById("place-data");
  if (!block) return;
  /** @type {PlaceData} */
  const data = JSON.parse(block.textContent);
  for (const [metric, days] of Object.entries(data.metrics)) {
    const figure = document.querySelector(`figure[data-metric="${metric}"]`);
    if (figure) drawMetric(figure, metric, days, data);
  }
}

/**
 * @param {HTMLElement} figure where
 * @param {string} metric what is counted
 * @param {Days} days its days
 * @param {PlaceData} data the place
 */
async function drawMetric(figure, metric, days, data) {
  const start = Date.parse(data.start);
  const omitted = new Set(days.omitted);
  const series = days.new.map((count, day) => ({
    date: start + day * DAY,
    new: count,
    avg: days.avg[day],
    omitted: omitted.has(day),
  }));
  const end = start + (days.new.length - 1) * DAY;
  const marks = days.anomalies
    .map((one) => ({ date: Date.parse(one.date), text: one.text, id: one.id }))
    .filter((mark) => mark.date >= start && mark.date <= end);
  const specs = tallybook.specs.place;
  const view = await drawChart(figure, specs[metric] ?? specs.cases, {
    data: { series, marks },
    label: `New ${days.unit} a day in ${data.title}`,
    rows: () => ({
      columns: ["date", `new ${days.unit}`, "average", "left out of averages", "anomaly"],
      rows: table(series, marks),
    }),
  });
  view?.addEventListener("click", (_event, item) => {
    const id = item?.datum?.id;
    if (id && document.getElementById(id)) location.hash = id;
  });
}

/**
 * @param {{date: number, new: number | null, avg: number | null, omitted: boolean}[]} series the days
 * @param {{date: number, text: string}[]} marks the anomalies
 * @returns {(string | number | null)[][]} the days with what is said of them, the latest first
 */
function table(series, marks) {
  /** @type {Map<number, string>} */
  const said = new Map();
  for (const mark of marks) said.set(mark.date, [said.get(mark.date), mark.text].filter(Boolean).join(" "));
  return series
    .map((day) => [iso(day.date), day.new, day.avg, day.omitted ? "yes" : "", said.get(day.date) ?? ""])
    .reverse();
}

/**
 * @param {number} date milliseconds since 1970, in UTC
 * @returns {string} the day, such as 2020-03-01
 */
export function iso(date) {
  return new Date(date).toISOString().slice(0, 10);
}
