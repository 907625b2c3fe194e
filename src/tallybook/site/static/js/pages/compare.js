// The page that compares places, line by line.

import { batches } from "../batches.js";
import { drawChart, notice } from "../chart.js";
import { fillSelect, press, valueOf } from "../controls.js";
import { isoDay, named, numberText, plural, weekEnd } from "../format.js";
import { extentOf, heightOf, labelsOf, linesOf, rowsOf, valuesAt } from "../lines.js";
import { compareFields } from "../compare-fields.js";
import { picker } from "../picker.js";
import { readout } from "../readout.js";
import { described, ready, whenText } from "../series.js";
import { onBack, readState, writeState } from "../state.js";
import { stepped } from "../walk.js";

const figure = /** @type {HTMLElement} */ (document.getElementById("compare"));
const { places, measures, since, weekly } = described();
const geoids = places.map(({ geoid }) => geoid);

const FIELDS = compareFields();
let { state, wrong } = readState(FIELDS);
/** @type {import("../lines.js").Line[]} */
let lines = [];
/** @type {string | null} the line the keys are on */
let focus = null;
/** What is counted together. */
const unit = weekly ? "week" : "day";
const Unit = weekly ? "Week" : "Day";
/** @type {number | null} the day that is looked at, of weeks the last */
let looked = null;

const measure = () => /** @type {import("../series.js").Measure} */ (measures.find(({ name }) => name === state.measure));
const isLog = () => (state.scale === "usual" ? measure().log : state.scale === "log");
const how = () => ({ x: state.x, log: isLog(), start: { kind: state.start, least: state.least } });

/** What is drawn of the state. */
function drawn() {
  lines = linesOf(state.places, measure(), how());
  const extent = extentOf(lines, how());
  const height = heightOf(lines.length);
  return {
    data: { series: rowsOf(lines, measure().kind), labels: labelsOf(lines, extent, { log: isLog(), height }), hover: valuesAt(lines, looked ?? NaN) },
    signals: { ...extent, focus },
    height,
    spec: window.tallybook.specs.compare[isLog() ? "log" : "linear"],
  };
}

/** The rows behind the picture: every day of every line. */
function rows() {
  const name = measure().name;
  return {
    columns: ["geoid", "place", "date", `${unit}_of_outbreak`, name],
    rows: lines.flatMap((line) =>
      Array.from(line.values, (value, at) => {
        const x = line.left + at;
        return [line.geoid, line.title, isoDay(x + line.origin), state.x === "day" ? numberOf(x) : null, Number.isNaN(value) ? null : value];
      }).filter((_row, at) => whole(line.left + at) === line.left + at),
    ),
  };
}

/** @param {number} x @returns {number} the day that has the count of its week, or the day itself */
function whole(x) {
  if (!weekly) return x;
  return state.x === "date" ? weekEnd(x) : Math.ceil((x - 1) / 7) * 7 + 1;
}

/** @param {number} x a day of outbreak @returns {number} how many days, or weeks, it is into it */
function numberOf(x) {
  return weekly ? Math.floor((x - 1) / 7) + 1 : x;
}

/** @param {number} x @returns {string} the day, or week, in words */
function dayName(x) {
  return state.x === "date" ? whenText(x) : `${Unit} ${numberText(numberOf(x))}`;
}

/** The words of the figure. */
function write() {
  const words = /** @type {(name: string) => HTMLElement} */ ((name) => figure.querySelector(name));
  words(".chart-headline").textContent = `${measure().title} in ${named(lines.map(({ title }) => title))}`;
  const first = Math.min(...lines.map(({ left, origin }) => left + origin));
  const last = Math.max(...lines.map(({ left, origin, values }) => left + origin + values.length - 1));
  const scale = isLog() ? " Logarithmic scale." : "";
  words(".chart-subtitle").textContent = lines.length ? `${startWords()}${whenText(first)} to ${whenText(last)}.${scale}` : "";
  words("#chosen").textContent = `${state.places.length} of ${places.length}`;
  const lacking = state.places.length - lines.length;
  if (!state.places.length) notice(figure, "No place is chosen. Choose some below, or take a batch.");
  else if (lacking) notice(figure, `${plural(lacking, "place has", "places have")} nothing to show of this.`);
  else if (!wrong.length) notice(figure, "");
}

/** What day 1, or week 1, is. */
function startWords() {
  if (state.x === "date") return "";
  const told = {
    since: since === null ? "" : `the first ${unit} with a case from ${whenText(since)} on`,
    first: `the first ${unit} with a case`,
    cases: `the first ${unit} with ${numberText(state.least)} cases`,
    per100k: `the first ${unit} with ${numberText(state.least)} cases per 100,000 people`,
  };
  return `${Unit} 1 is ${told[/** @type {keyof typeof told} */ (state.start)]}. `;
}

/** Show the state in the controls. */
function setControls() {
  for (const name of ["measure", "x", "scale", "start"]) {
    /** @type {HTMLSelectElement} */ (document.getElementById(name)).value = state[name];
  }
  const least = /** @type {HTMLInputElement} */ (document.getElementById("least"));
  least.value = state.least;
  /** @type {HTMLElement} */ (least.closest(".control")).hidden = state.x !== "day" || !["cases", "per100k"].includes(state.start);
  /** @type {HTMLElement} */ (document.getElementById("start")?.closest(".control")).hidden = state.x !== "day";
  choose(state.places);
}

const choose = picker(/** @type {HTMLElement} */ (document.getElementById("places")), places, (chosen) => change({ places: chosen }));

/** @param {Partial<typeof state>} with_ @param {{replace?: boolean}} [step] */
async function change(with_, step) {
  state = { ...state, ...with_ };
  // A frozen day stays only while its number means the same.
  if ("x" in with_ || "start" in with_ || "least" in with_) state.at = -1;
  wrong = [];
  writeState(FIELDS, state, step);
  await redraw();
}

async function redraw() {
  await ready(measure(), measures[0]);
  setControls();
  looked = state.at < 0 ? null : state.at;
  if (!state.places.includes(focus ?? "")) focus = null;
  const { data, signals, height, spec } = drawn();
  write();
  await chart.show(data, signals, { spec, height });
  point(looked);
}

const controls = {
  measure: (/** @type {string} */ value) => ({ measure: value, scale: "usual" }),
  x: (/** @type {string} */ value) => ({ x: value }),
  scale: (/** @type {string} */ value) => ({ scale: value }),
  start: (/** @type {string} */ value) => ({ start: value }),
};

fillSelect("measure", measures.map(({ name, title }) => [name, title]));
if (since === null) document.querySelector('#start option[value="since"]')?.remove();
for (const [name, made] of Object.entries(controls)) {
  document.getElementById(name)?.addEventListener("change", () => change(made(valueOf(name))));
}
document.getElementById("least")?.addEventListener("change", () => {
  const least = FIELDS.least.parse(valueOf("least"));
  if (least === undefined) setControls();
  else change({ least });
});

const choices = batches();
fillSelect("batch", choices.map(({ name, title }) => [name, title]));
press("take", () => {
  const batch = choices.find(({ name }) => name === valueOf("batch"));
  const count = Math.max(1, Math.min(places.length, Math.round(+valueOf("count")) || 10));
  if (batch) change({ places: batch.places(count) });
});
document.getElementById("batch")?.addEventListener("change", () => {
  const batch = choices.find(({ name }) => name === valueOf("batch"));
  /** @type {HTMLElement} */ (document.getElementById("count")?.closest(".control")).hidden = !batch?.counted;
});
press("all", () => change({ places: geoids }));
press("none", () => change({ places: [] }));
press("reset", () => change(Object.fromEntries(Object.entries(FIELDS).map(([name, { fallback }]) => [name, fallback]))));

onBack(() => {
  ({ state, wrong } = readState(FIELDS));
  redraw();
});

/**
 * Show what the lines have on a day, or nothing.
 * @param {number | null} x
 */
function point(x) {
  looked = x;
  const now = x === null ? [] : valuesAt(lines, x);
  chart.put("hover", now);
  if (x === null || !now.length) {
    beside.hide();
    return;
  }
  const list = now.map(({ line, value, colour, geoid }) => ({
    name: line.title,
    value: numberText(value),
    colour,
    strong: geoid === focus,
  }));
  beside.show(dayName(x), list, chart.origin()[0] + chart.view.scale("x")(x), chart.origin()[1]);
}

/** @param {MouseEvent} event @returns {number | null} the day below the pointer */
function dayBelow(event) {
  const box = chart.canvas.getBoundingClientRect();
  const at = event.clientX - box.left - chart.origin()[0];
  if (!lines.length || at < -20 || at > chart.view.signal("width") + 20) return null;
  const { left, right } = chart.signals;
  const x = Math.max(left, Math.min(right, Math.round(chart.view.scale("x").invert(at))));
  return whole(x) > right ? whole(x) - 7 : whole(x);
}

/** Hold the day that is looked at, or let go. @param {number | null} x */
function hold(x) {
  state.at = x ?? -1;
  writeState(FIELDS, state);
  point(x);
}

const held = () => state.at >= 0;

/** The pointer and the keys. */
function listen() {
  const { canvas } = chart;
  let waiting = 0;
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (held()) return;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      const day = dayBelow(event);
      if (day !== looked && !held()) point(day);
    });
  });
  canvas.addEventListener("pointerleave", () => {
    cancelAnimationFrame(waiting);
    if (!held()) point(null);
  });
  canvas.addEventListener("click", (/** @type {MouseEvent} */ event) => hold(held() ? null : dayBelow(event)));
  canvas.addEventListener("keydown", keyed);
}

/** @param {KeyboardEvent} event */
function keyed(event) {
  if (!lines.length) return;
  const { left, right } = chart.signals;
  const steps = weekly ? 7 : 1;
  const from = whole(left);
  const to = walked(event.key, looked ?? from + (Math.floor((right - from) / steps) + 1) * steps, from, right, steps);
  if (to !== null) {
    if (held()) state.at = to;
    point(to);
    if (held()) writeState(FIELDS, state, { replace: true });
  } else if (event.key === "ArrowUp" || event.key === "ArrowDown") walkLines(event.key === "ArrowUp" ? -1 : 1);
  else if (event.key === "Enter" || event.key === " ") hold(held() ? null : looked);
  else if (event.key === "Escape") {
    focus = null;
    chart.set({ focus });
    hold(null);
  } else return;
  event.preventDefault();
  tell();
}

/**
 * @param {string} key
 * @param {number} at the day that is looked at
 * @param {number} first
 * @param {number} last
 * @param {number} steps the days from one to the next
 * @returns {number | null} the day the key leads to
 */
function walked(key, at, first, last, steps) {
  const to = stepped(key, (at - first) / steps, Math.floor((last - first) / steps));
  return to === null ? null : first + to * steps;
}

/** Go to the next line, by what they have on the day. @param {number} step */
function walkLines(step) {
  if (looked === null) looked = whole(chart.signals.right - (weekly ? 6 : 0));
  const now = valuesAt(lines, looked).map(({ geoid }) => geoid);
  if (!now.length) return;
  const at = now.indexOf(focus ?? "");
  focus = now[at < 0 ? 0 : Math.max(0, Math.min(now.length - 1, at + step))];
  chart.set({ focus });
  point(looked);
}

/** Say where the keys are. */
function tell() {
  if (looked === null) {
    chart.say(`No ${unit} is looked at.`);
    return;
  }
  const now = valuesAt(lines, looked);
  const said = focus ? now.filter(({ geoid }) => geoid === focus) : now;
  const list = said.map(({ line, geoid, value }) => `${line.title} ${numberText(value)}, ${now.findIndex((one) => one.geoid === geoid) + 1} of ${now.length}`);
  const date = focus && said.length && state.x === "day" ? ` (${whenText(looked + said[0].line.origin)})` : "";
  chart.say(`${dayName(looked)}${date}${held() ? ", held" : ""}: ${list.join("; ") || "nothing"}. ${measure().title}.`);
}

/** @type {any} */
let chart;
/** @type {ReturnType<typeof readout>} */
let beside;

/** Draw what the address says, then listen. */
async function start() {
  await ready(measure(), measures[0]);
  looked = state.at < 0 ? null : state.at;
  const { data, signals, height, spec } = drawn();
  write();
  chart = await drawChart(figure, spec, { data, signals, height, rows, label: LABEL, more, resized: () => point(looked) });
  beside = readout(chart.canvas);
  setControls();
  if (wrong.length) notice(figure, `The address says something unknown of ${wrong.join(", ")}: the usual is shown instead.`);
  point(looked);
  listen();
}

const LABEL =
  `Lines of the chosen places. Left and right arrows go from ${unit} to ${unit}, up and down from line to line; ` +
  `Enter holds the ${unit}, Escape lets go.`;

/** What pictures say of the day that is looked at. */
function more() {
  if (looked === null) return "";
  const list = valuesAt(lines, looked).map(({ line, value }) => `${line.title} ${numberText(value)}`);
  return `${dayName(looked)}: ${list.join(", ")}`;
}

start();
