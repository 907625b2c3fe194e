// The page of bubbles: two totals against each other, day by day.

import { beside as spots } from "../beside.js";
import { bubbleFields, present } from "../bubble-fields.js";
import { bubbleRows, endsOf, knownPlaces, SIZES, trailRows } from "../bubble-rows.js";
import { lackingText, linesFor } from "../bubble-words.js";
import { drawChart, notice } from "../chart.js";
import { fillSelect, foldWhereNarrow, press, valueOf } from "../controls.js";
import { filterControls } from "../filter-controls.js";
import { filtered } from "../filters.js";
import { isoDay, plural } from "../format.js";
import { picker } from "../picker.js";
import { player } from "../play.js";
import { readout } from "../readout.js";
import { described, ready, whenText } from "../series.js";
import { onBack, readState, writeState } from "../state.js";

const figure = /** @type {HTMLElement} */ (document.getElementById("bubbles"));
const { places, measures, groups, first, last, weekly } = described();
/** The days from one count to the next. */
const STEP = weekly ? 7 : 1;
const geoids = places.map(({ geoid }) => geoid);
const totals = measures.filter(({ kind }) => kind === "total");
const cases = /** @type {import("../series.js").Measure} */ (totals.find(({ per }) => per === null));
const FIELDS = bubbleFields();
const grouped = present("region").length > 0;
let { state, wrong } = readState(FIELDS);
/** @type {ReturnType<typeof bubbleRows>} */
let rows = [];
/** @type {ReturnType<typeof filtered>["lacking"]} */
let lacking = [];
/** @type {string | null} the bubble the pointer or the keys are on */
let focus = null;
let chart = /** @type {any} */ (null);
let beside = /** @type {ReturnType<typeof readout>} */ (/** @type {unknown} */ (null));

const measure = (/** @type {string} */ name) => /** @type {import("../series.js").Measure} */ (totals.find((one) => one.name === name));
const logs = () => ({ xlog: state.xscale === "log", ylog: state.yscale === "log" });

/** What the axes and the area are. */
function shown() {
  return { x: measure(state.x), y: measure(state.y), size: /** @type {keyof typeof SIZES} */ (state.size) };
}

function filters() {
  const { region, division, population, density, gdp, cases: number, rank } = state;
  return { region, division, ranges: { population, density, gdp, cases: number }, rank };
}

/** What is drawn of the state. */
function drawn() {
  const found = filtered(knownPlaces(cases), filters());
  const how = { ...shown(), colour: state.colour };
  rows = bubbleRows(found.left, how);
  const unsized = places.filter((place) => found.left.has(place.geoid) && !rows.some(({ geoid }) => geoid === place.geoid));
  lacking = unsized.length ? [...found.lacking, { key: state.size, titles: unsized.map(({ title }) => title) }] : found.lacking;
  // Where nothing is shown the legend stays: a picture of nothing at all has no size.
  const left = new Set(rows.length ? rows.map(({ group }) => group) : groups[state.colour]);
  return {
    data: { places: rows, trails: trailRows(rows, state.selected) },
    signals: {
      ...endsOf(rows, logs()),
      groups: groups[/** @type {"region" | "division"} */ (state.colour)].filter((name) => left.has(name)),
      selected: state.selected,
      faint: state.faint,
      day: state.day,
      focus,
      xtitle: how.x.title,
      ytitle: how.y.title,
    },
    height: Math.round(Math.max(360, Math.min(540, chartWidth() * 0.6))),
    spec: window.tallybook.specs.bubbles[`${state.colour}-${state.xscale}-${state.yscale}`],
  };
}

function chartWidth() {
  return figure.querySelector(".chart-canvas")?.clientWidth ?? 760;
}

/** The bubbles there are on the day shown, with where they stand. */
function now() {
  const { xlog, ylog } = logs();
  return rows
    .map((row) => ({ row, x: row.xs[state.day - row.first] ?? null, y: row.ys[state.day - row.first] ?? null }))
    .filter(({ x, y }) => x !== null && y !== null && !(xlog && !(x > 0)) && !(ylog && !(y > 0)));
}

/** The rows behind the picture: every bubble of the day shown. */
function table() {
  const size = SIZES[/** @type {keyof typeof SIZES} */ (state.size)].key;
  return {
    columns: ["geoid", "place", state.colour, "date", state.x, state.y, ...(size ? [size] : [])],
    rows: now().map(({ row, x, y }) => [row.geoid, row.title, row.group, isoDay(state.day), x, y, ...(size ? [row.size] : [])]),
  };
}

/** The words of the figure. */
function write() {
  const words = /** @type {(name: string) => HTMLElement} */ ((name) => figure.querySelector(name));
  const { x, y, size } = shown();
  words(".chart-headline").textContent = `${y.title} against ${x.title.toLowerCase()}`;
  const area = SIZES[size].key ? `Area: ${SIZES[size].words}` : "All bubbles have one size";
  words(".chart-subtitle").textContent = `${whenText(state.day)}. ${area}.${grouped ? ` Colour: Census ${state.colour}.` : ""}`;
  words("#left").textContent = `${rows.length} of ${plural(places.length, "place")}`;
  words("#lacking").textContent = lackingText(lacking);
  if (!rows.length) notice(figure, "No place passes all filters. Loosen one, or reset them.");
  else if (!wrong.length) notice(figure, "");
}

/** Show the state in the controls. */
function setControls() {
  for (const name of ["x", "y", "xscale", "yscale", "size", "colour", "speed"]) {
    /** @type {HTMLSelectElement} */ (document.getElementById(name)).value = state[name];
  }
  /** @type {HTMLInputElement} */ (document.getElementById("faint")).value = state.faint;
  setDay();
  choose(state.selected);
  controls.show(filters());
}

function setDay() {
  const slider = /** @type {HTMLInputElement} */ (document.getElementById("day"));
  slider.value = String(state.day);
  slider.setAttribute("aria-valuetext", whenText(state.day));
  /** @type {HTMLElement} */ (document.getElementById("date")).textContent = whenText(state.day);
}

/** @param {Partial<typeof state>} with_ @param {{replace?: boolean}} [step] */
async function change(with_, step) {
  state = { ...state, ...with_ };
  wrong = [];
  writeState(FIELDS, state, step);
  await redraw();
}

async function redraw() {
  await ready(measure(state.x), measure(state.y), cases);
  setControls();
  const { data, signals, height, spec } = drawn();
  write();
  if (!rows.some(({ geoid }) => geoid === focus)) focus = null;
  await chart.show(data, { ...signals, focus }, { spec, height });
  await chart.put("places", named());
  point(focus);
}

/** Show another day: the drawing only, as quickly as it can. @param {number} day */
function showDay(day) {
  state.day = day;
  setDay();
  const drawing = chart.set({ day });
  if (focus) point(focus);
  return drawing;
}

/** The day stays: words, names, address and table follow. */
function settled() {
  write();
  writeState(FIELDS, state, { replace: true });
  chart.show({ places: named() });
  playButton();
}

/**
 * The rows with where their names stand: those of the selected, or of the largest. While days are played names go with their
 * bubbles, and find a new place when a day stays.
 */
function named() {
  const on = new Map(now().map((bubble) => [bubble.row.geoid, bubble]));
  const found = spots(
    rows.map((row) => {
      const bubble = on.get(row.geoid);
      const wanted = bubble && (state.selected.length ? state.selected.includes(row.geoid) : row.largest);
      const [x, y] = bubble ? placeOf(bubble) : [0, 0];
      return { x, y, radius: radiusOf(row), name: wanted ? row.text : "" };
    }),
  );
  return rows.map((row, at) => ({ ...row, ...(found[at] ?? besideIt(row)), named: found[at] !== null }));
}

/** @param {{area: number}} row where a name stands that is only there for a while */
function besideIt(row) {
  return { dx: radiusOf(row) + 3, dy: 0, align: "left" };
}

/** @param {{area: number}} row @returns {number} in pixels; where there is little room bubbles are smaller */
function radiusOf({ area }) {
  return Math.sqrt((area * chart.view.signal("zoom")) / Math.PI);
}

const film = player(first, {
  last: () => last,
  day: () => state.day,
  speed: () => +state.speed,
  step: STEP,
  show: showDay,
  done: settled,
});

function playButton() {
  const button = /** @type {HTMLElement} */ (document.getElementById("play"));
  button.textContent = film.playing ? "Pause" : "Play";
}

/**
 * Show what a bubble is, or nothing.
 * @param {string | null} geoid
 */
function point(geoid) {
  if (geoid !== focus) {
    focus = geoid;
    chart.set({ focus });
  }
  const found = geoid && now().find(({ row }) => row.geoid === geoid);
  if (!found) {
    beside.hide();
    return;
  }
  const [left, top] = placeOf(found);
  beside.show(found.row.title, linesFor(found, shown()), left, top);
}

/** @param {{x: number | null, y: number | null}} bubble @returns {[number, number]} pixels of the canvas */
function placeOf({ x, y }) {
  const [left, top] = chart.origin();
  return [left + chart.view.scale("x")(x), top + chart.view.scale("y")(y)];
}

/** @param {MouseEvent} event @returns {string | null} the bubble below the pointer; of several the smallest; or one that is near */
function bubbleBelow(event) {
  const box = chart.canvas.getBoundingClientRect();
  const each = now().map((bubble) => {
    const [x, y] = placeOf(bubble);
    const radius = radiusOf(bubble.row);
    return { geoid: bubble.row.geoid, radius, away: Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y) };
  });
  const over = each.filter(({ radius, away }) => away <= radius).sort((a, b) => a.radius - b.radius);
  const near = each.filter(({ radius, away }) => away <= radius + 8).sort((a, b) => a.away - b.away);
  return (over[0] ?? near[0])?.geoid ?? null;
}

/** @param {string} geoid */
function toggle(geoid) {
  const selected = state.selected.includes(geoid) ? state.selected.filter((one) => one !== geoid) : [...state.selected, geoid];
  return change({ selected: geoids.filter((one) => selected.includes(one)) });
}

/** @param {KeyboardEvent} event */
async function keyed(event) {
  const days = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30, Home: -1e6, End: 1e6 };
  const step = days[/** @type {keyof typeof days} */ (event.key)];
  if (step !== undefined) await showDay(Math.max(first, Math.min(last, state.day + step * STEP)));
  else if (event.key === "ArrowUp" || event.key === "ArrowDown") walk(event.key === "ArrowUp" ? -1 : 1);
  else if ((event.key === "Enter" || event.key === " ") && focus) toggle(focus);
  else if (event.key === "Escape") point(null);
  else return;
  event.preventDefault();
  if (step !== undefined) settled();
  tell();
}

/** Go to the next bubble, by the vertical measure. @param {number} step */
function walk(step) {
  const order = now().sort((a, b) => Number(b.y) - Number(a.y) || (a.row.geoid < b.row.geoid ? -1 : 1));
  if (!order.length) return;
  const at = order.findIndex(({ row }) => row.geoid === focus);
  point(order[at < 0 ? 0 : Math.max(0, Math.min(order.length - 1, at + step))].row.geoid);
}

/** Say where the keys are. */
function tell() {
  const found = now().find(({ row }) => row.geoid === focus);
  const what = found ? `${found.row.title}: ${linesFor(found, shown()).map(({ name, value }) => `${name} ${value}`).join("; ")}` : plural(now().length, "bubble");
  chart.say(`${whenText(state.day)}. ${what}${focus && state.selected.includes(focus) ? "; selected" : ""}.`);
}

const choose = picker(/** @type {HTMLElement} */ (document.getElementById("places")), places, (selected) => change({ selected }));
const controls = filterControls({ present, groups: ["region", "division"] }, (with_) => change(with_));

/** @type {HTMLElement} */ (document.getElementById("colour")?.closest(".control")).hidden = !grouped;
foldWhereNarrow("axes");
for (const name of ["x", "y"]) fillSelect(name, totals.map((one) => [one.name, one.title]));
for (const name of ["x", "y", "xscale", "yscale", "size", "colour", "speed"]) {
  document.getElementById(name)?.addEventListener("change", () => change({ [name]: valueOf(name) }));
}
const slider = /** @type {HTMLInputElement} */ (document.getElementById("day"));
[slider.min, slider.max, slider.step] = [String(first), String(last), String(STEP)];
slider.addEventListener("input", () => showDay(+slider.value));
slider.addEventListener("change", settled);
document.getElementById("faint")?.addEventListener("input", () => chart.set({ faint: +valueOf("faint") }));
document.getElementById("faint")?.addEventListener("change", () => change({ faint: +valueOf("faint") }));
press("play", () => {
  if (film.playing) film.pause();
  else film.play();
  playButton();
});
press("all", () => change({ selected: geoids }));
press("none", () => change({ selected: [] }));
press("unfilter", () => change(usual("region", "division", "population", "density", "gdp", "cases", "rank")));
press("reset", () => change(usual(...Object.keys(FIELDS))));

/** @param {string[]} fields @returns {Record<string, any>} */
function usual(...fields) {
  return Object.fromEntries(fields.map((name) => [name, FIELDS[/** @type {keyof typeof FIELDS} */ (name)].fallback]));
}

onBack(() => {
  ({ state, wrong } = readState(FIELDS));
  redraw();
});

/** The pointer and the keys. */
function listen() {
  const { canvas } = chart;
  let waiting = 0;
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => point(bubbleBelow(event)));
  });
  canvas.addEventListener("pointerleave", () => {
    cancelAnimationFrame(waiting);
    point(null);
  });
  canvas.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const geoid = bubbleBelow(event);
    if (geoid) toggle(geoid);
  });
  canvas.addEventListener("keydown", keyed);
}

/** Another width: names find their places, and what is pointed at its own. */
function resized() {
  const { height } = drawn();
  chart.show({ places: named() }, {}, { height });
  point(focus);
}

const LABEL =
  "Bubbles, one for each place. Left and right arrows go from day to day, up and down from bubble to bubble; Enter selects one, Escape leaves it.";

/** Draw what the address says, then listen. */
async function start() {
  await ready(measure(state.x), measure(state.y), cases);
  const { data, signals, height, spec } = drawn();
  write();
  chart = await drawChart(figure, spec, { data, signals, height, rows: table, label: LABEL, resized });
  beside = readout(chart.canvas);
  setControls();
  chart.put("places", named());
  if (wrong.length) notice(figure, `The address says something unknown of ${wrong.join(", ")}: the usual is shown instead.`);
  listen();
}

start();
