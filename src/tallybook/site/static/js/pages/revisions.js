/** The page of revisions: what a place looked like on a past day, against what is known now. */

import { drawChart } from "../chart.js";
import { iso } from "../days.js";
import { sortable } from "../sort.js";

const DAY = 86_400_000;

/**
 * @typedef {{start: string, values: (number | null)[], since: (number | null)[],
 *   before: Record<string, [number, number | null][]>}} Metric
 * @typedef {{moments: string[], metrics: Record<string, Metric>}} Known
 */

document.querySelectorAll("table.sortable").forEach(sortable);

const figure = document.getElementById("then");
if (figure) begin();

/** Let the controls draw, from what the address says or the first place. */
function begin() {
  const asked = new URLSearchParams(location.search);
  for (const name of ["place", "metric", "show"]) choose(control(name), asked.get(name));
  for (const name of ["place", "metric", "moment", "show"]) {
    control(name).addEventListener("change", () => show(null));
  }
  show(asked.get("as_of"));
}

/**
 * @param {string} name of a control
 * @returns {HTMLSelectElement} the control
 */
function control(name) {
  return document.getElementById(`then-${name}`);
}

/**
 * Choose a value, if there is such a one.
 * @param {HTMLSelectElement} select where
 * @param {string | null} value which
 */
function choose(select, value) {
  if ([...select.options].some((option) => option.value === value)) select.value = value;
}

/**
 * Show what is chosen, once its numbers are there.
 * @param {string | null} asked the moment that an address asks for
 */
async function show(asked) {
  const geoid = control("place").value;
  const known = await load(geoid);
  const notice = figure.querySelector(".chart-notice");
  notice.hidden = Boolean(known);
  if (!known) {
    notice.textContent = "The numbers of this place could not be loaded. They are in revisions.parquet.";
    return;
  }
  const names = Object.keys(known.metrics);
  for (const option of control("metric").options) option.disabled = !names.includes(option.value);
  if (!names.includes(control("metric").value)) control("metric").value = names[0];
  const metric = control("metric").value;
  offer(known, metric, asked ?? control("moment").value);
  draw(geoid, metric, known);
}

/**
 * Offer the moments at which something of the metric changed, and keep the one that was chosen, if it is among them.
 * @param {Known} known what is known of the place
 * @param {string} metric the metric
 * @param {string} chosen the moment
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
      option.textContent = inWords(known.moments[moment]);
      return option;
    }),
  );
  if (moments.length) select.selectedIndex = moments.length - 1;
  choose(select, chosen);
}

/**
 * @param {string} moment in ISO format
 * @returns {string} its day in words
 */
function inWords(moment) {
  return new Date(moment).toLocaleDateString("en-US", { dateStyle: "medium", timeZone: "UTC" });
}

/**
 * @param {string} geoid the place
 * @param {string} name the metric
 * @param {Known} known what is known of the place
 */
function draw(geoid, name, known) {
  const metric = known.metrics[name];
  const moment = control("moment").value;
  const at = known.moments.indexOf(moment);
  const past = metric.values.map((value, day) => valueAt(metric, day, at));
  const last = past.findLastIndex((value) => value !== null && value !== undefined);
  const perDay = control("show").value === "new";
  const lines = { then: past.slice(0, last + 1), now: metric.values.slice(0, last + 1) };
  const start = Date.parse(metric.start);
  const shown = Object.fromEntries(
    Object.entries(lines).map(([line, values]) => [line, perDay ? daily(values) : values]),
  );
  const vintages = Object.entries(shown).flatMap(([line, values]) =>
    values.map((value, day) => ({ date: start + day * DAY, value: value ?? null, line })),
  );
  const place = control("place").selectedOptions[0].textContent;
  const words = name.replaceAll("_", " ");
  const what = perDay ? `New ${words} a day` : `All ${words}`;
  figure.querySelector(".chart-headline").textContent = `${what} in ${place}, as known on ${inWords(moment)} and now`;
  figure.querySelector(".chart-subtitle").textContent =
    `Dashed: what was known on ${inWords(moment)}. Solid: the same days as they are known now. ${said(lines)}`;
  drawChart(figure, tallybook.specs.revisions[name] ?? tallybook.specs.revisions.cases, {
    data: { vintages },
    label: `${what} in ${place}`,
    rows: () => ({
      columns: ["date", `as known on ${iso(Date.parse(moment))}`, "as known now", "difference"],
      rows: shown.now
        .map((value, day) => [iso(start + day * DAY), shown.then[day] ?? null, value, less(value, shown.then[day])])
        .reverse(),
    }),
  });
  remember({ place: geoid, metric: name, as_of: moment, show: control("show").value });
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
 * @returns {(number | null)[]} what is new each day; null where the day or the one before is missing
 */
function daily(values) {
  return values.map((value, day) => (day === 0 ? null : less(value ?? null, values[day - 1])));
}

/**
 * @param {{then: (number | null | undefined)[], now: (number | null)[]}} lines both states
 * @returns {string} how many days differ, in a sentence
 */
function said(lines) {
  const differing = lines.now.filter((value, day) => value !== (lines.then[day] ?? null)).length;
  return `${differing.toLocaleString("en-US")} of ${lines.now.length.toLocaleString("en-US")} days were changed since.`;
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
