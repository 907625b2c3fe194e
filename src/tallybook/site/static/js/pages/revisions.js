// The page of revisions: what a place looked like on a past day, against what is known now.

import { drawChart, notice } from "../chart.js";
import { dayText, isoDay, numberText, weekText } from "../format.js";
import { followDays } from "../hover.js";
import { sortable } from "../sort.js";

const DAY = 864e5;

/**
 * @typedef {{start: string, values: (number | null)[], since: (number | null)[],
 *   before: Record<string, [number, number | null][]>}} Metric
 * @typedef {{moments: string[], step: number, metrics: Record<string, Metric>}} Known
 */

document.querySelectorAll("table.sortable").forEach(sortable);

const figure = /** @type {HTMLElement} */ (document.getElementById("then"));
/** @type {any} the chart, once it is drawn */
let chart = null;
/** @type {{start: number, step: number, then: (number | null)[], now: (number | null)[], moment: string}} what it shows; a step is a day or a week */
let shown = { start: 0, step: DAY, then: [], now: [], moment: "" };
if (figure) begin();

/** Let the controls draw, from what the address says or the first place. */
function begin() {
  const asked = new URLSearchParams(location.search);
  const wrong = ["place", "metric", "show"].filter((name) => !choose(control(name), asked.get(name)));
  for (const name of ["place", "metric", "moment", "show"]) {
    control(name).addEventListener("change", () => show(null));
  }
  show(asked.get("as_of"), wrong);
}

/**
 * @param {string} name of a control
 * @returns {HTMLSelectElement} the control
 */
function control(name) {
  return /** @type {HTMLSelectElement} */ (document.getElementById(`then-${name}`));
}

/**
 * Choose a value, if there is such a one.
 * @param {HTMLSelectElement} select where
 * @param {string | null} value which; null: none is asked for
 * @returns {boolean} false where there is none such
 */
function choose(select, value) {
  const there = [...select.options].some((option) => option.value === value);
  if (value !== null && there) select.value = value;
  return value === null || there;
}

/**
 * Show what is chosen, once its numbers are there.
 * @param {string | null} asked the moment that an address asks for
 * @param {string[]} wrong what an address asks for that is not here
 */
async function show(asked, wrong = []) {
  const geoid = control("place").value;
  const known = await load(geoid);
  notice(figure, known ? "" : "The numbers of this place could not be loaded. They are in revisions.parquet.");
  if (!known) return;
  const names = Object.keys(known.metrics);
  for (const option of control("metric").options) option.disabled = !names.includes(option.value);
  if (!names.includes(control("metric").value)) control("metric").value = names[0];
  const metric = control("metric").value;
  if (!offer(known, metric, asked ?? control("moment").value) && asked !== null) wrong.push("as_of");
  if (wrong.length) notice(figure, `The address asks for a ${wrong.join(", ")} that is not here; others are shown.`);
  await draw(metric, known);
  remember({ place: geoid, metric, as_of: control("moment").value, show: control("show").value });
}

/**
 * Offer the moments at which something of the metric changed, and keep the one that was chosen, if it is among them.
 * @param {Known} known what is known of the place
 * @param {string} metric the metric
 * @param {string} chosen the moment
 * @returns {boolean} whether it is among them
 */
function offer(known, metric, chosen) {
  const { before, since } = known.metrics[metric];
  const told = new Set(since.filter((moment) => moment !== null));
  for (const values of Object.values(before)) for (const [moment] of values) told.add(moment);
  const moments = [...told].sort((one, other) => one - other).slice(0, -1);
  const select = control("moment");
  select.replaceChildren(
    ...moments.map((moment) => {
      const option = document.createElement("option");
      option.value = known.moments[moment];
      option.textContent = dayText(Math.floor(Date.parse(known.moments[moment]) / DAY));
      return option;
    }),
  );
  if (moments.length) select.value = known.moments[mostChanged(known.metrics[metric], moments)];
  return choose(select, chosen);
}

/**
 * @param {Metric} metric what is known
 * @param {number[]} moments the numbers of moments, the earliest first
 * @returns {number} the moment most of whose days were changed later
 */
function mostChanged(metric, moments) {
  const changed = moments.map(
    (at) => metric.values.filter((value, day) => (valueAt(metric, day, at) ?? value) !== value).length,
  );
  return moments[changed.indexOf(Math.max(...changed))];
}

/**
 * @param {string} name the metric
 * @param {Known} known what is known of the place
 */
async function draw(name, known) {
  const metric = known.metrics[name];
  const moment = control("moment").value;
  const at = known.moments.indexOf(moment);
  const past = metric.values.map((_value, day) => valueAt(metric, day, at) ?? null);
  const last = past.findLastIndex((value) => value !== null);
  const lines = { then: past.slice(0, last + 1), now: metric.values.slice(0, last + 1) };
  const isNew = control("show").value === "new";
  shown = {
    start: Date.parse(metric.start),
    step: known.step * DAY,
    then: isNew ? fresh(lines.then) : lines.then,
    now: isNew ? fresh(lines.now) : lines.now,
    moment: dayText(Math.floor(Date.parse(moment) / DAY)),
  };
  control("show").options[0].textContent = `new a ${unit()}`;
  const what = `${isNew ? "New" : "All"} ${name.replaceAll("_", " ")}${isNew ? ` a ${unit()}` : ""}`;
  say(`${what} in ${control("place").selectedOptions[0].textContent}, as known on ${shown.moment} and now`, lines);
  const spec = window.tallybook.specs.revisions[name] ?? window.tallybook.specs.revisions.cases;
  const data = { vintages: [...rowsOf("then"), ...rowsOf("now")] };
  if (chart) await chart.show(data, {}, { spec });
  else await begun(spec, data);
  chart.canvas.setAttribute("aria-label", `${what}. Arrow keys move from ${unit()} to ${unit()}.`);
}

/**
 * Draw for the first time.
 * @param {any} spec the compiled chart
 * @param {Record<string, object[]>} data its data
 */
async function begun(spec, data) {
  chart = await drawChart(figure, spec, {
    data,
    label: "",
    height: 320,
    days: { source: "vintages", text: ({ date }) => sentence((date - shown.start) / shown.step) },
    rows: () => ({
      columns: ["date", `as known on ${shown.moment}`, "as known now", "difference"],
      rows: shown.now
        .map((value, day) => [isoDay((shown.start + day * shown.step) / DAY), shown.then[day], value, less(value, shown.then[day])])
        .reverse(),
    }),
  });
  followDays(chart, (date) => {
    const day = Math.round((date - shown.start) / shown.step);
    if (!(day in shown.now)) return null;
    const lines = [
      { name: `Known on ${shown.moment}`, value: numberText(shown.then[day]) },
      { name: "Known now", value: numberText(shown.now[day]) },
    ];
    return { title: title(day), lines, date: shown.start + day * shown.step };
  });
}

/** @param {"then" | "now"} line which @returns {object[]} its rows */
function rowsOf(line) {
  return shown[line].map((value, day) => ({ date: shown.start + day * shown.step, value, line }));
}

/** @returns {string} what the place is counted by */
function unit() {
  return shown.step === DAY ? "day" : "week";
}

/** @param {number} day the number of a day or week @returns {string} what it is called */
function title(day) {
  const date = (shown.start + day * shown.step) / DAY;
  return shown.step === DAY ? dayText(date) : weekText(date);
}

/** @param {number} day the number of a day or week @returns {string} what it is, to be read aloud */
function sentence(day) {
  const then = numberText(shown.then[day]);
  return `${title(day)}: ${then} as known on ${shown.moment}, ${numberText(shown.now[day])} now.`;
}

/**
 * Say above the chart what it shows.
 * @param {string} headline what
 * @param {{then: (number | null)[], now: (number | null)[]}} lines both states
 */
function say(headline, lines) {
  const differing = lines.now.filter((value, day) => value !== lines.then[day]).length;
  const days = `${differing.toLocaleString("en-US")} of ${lines.now.length.toLocaleString("en-US")} ${unit()}s`;
  const subtitle = `Dashed: as known on ${shown.moment}. Solid: the same ${unit()}s as they are known now; ${days} were changed.`;
  /** @type {[string, string][]} */
  const texts = [[".chart-headline", headline], [".chart-subtitle", subtitle]];
  for (const [name, text] of texts) {
    const element = figure.querySelector(name);
    if (element) element.textContent = text;
  }
}

/**
 * @param {number | null} value a value
 * @param {number | null | undefined} other another
 * @returns {number | null} the first less the second; null where one is missing
 */
function less(value, other) {
  return value === null || other === null || other === undefined ? null : value - other;
}

/**
 * @param {Metric} metric what is known
 * @param {number} day the number of the day
 * @param {number} at the number of the moment
 * @returns {number | null | undefined} what the day's value was then; undefined where none was known yet
 */
function valueAt(metric, day, at) {
  if (metric.since[day] !== null && metric.since[day] <= at) return metric.values[day];
  return metric.before[day]?.findLast(([moment]) => moment <= at)?.[1];
}

/**
 * @param {(number | null | undefined)[]} values cumulative counts
 * @returns {(number | null)[]} what is new each day or week; null where it or the one before is missing
 */
function fresh(values) {
  return values.map((value, day) => (day === 0 ? null : less(value ?? null, values[day - 1])));
}

/**
 * Keep what is shown in the address, so that a link shows the same.
 * @param {Record<string, string>} state what is shown
 */
function remember(state) {
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(state)) address.searchParams.set(name, value);
  history.replaceState(null, "", address);
}

/**
 * @param {string} geoid a place
 * @returns {Promise<Known | undefined>} what is known of it; a script, for pages opened from a disk may load no data
 */
function load(geoid) {
  const had = window.tallybook.known?.[geoid];
  if (had) return Promise.resolve(had);
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = `assets/known/${geoid}.js`;
    script.onload = () => resolve(window.tallybook.known?.[geoid]);
    script.onerror = () => resolve(undefined);
    document.head.append(script);
  });
}
