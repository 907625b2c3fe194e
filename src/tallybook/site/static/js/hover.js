// The day under the pointer, on a chart over days: a line through it, and what is known of it beside.

import { readout } from "./readout.js";

/**
 * @typedef {{date?: number, title: string, lines: {name: string, value: string}[]}} Told
 */

/**
 * Follow the pointer over a chart whose parameter `hov` is a date.
 * @param {any} chart
 * @param {(date: number) => Told | null} tell what is known of a day (milliseconds since 1970, UTC); null: nothing
 */
export function followDays(chart, tell) {
  const box = readout(chart.canvas);
  const leave = () => {
    box.hide();
    chart.update({}, { hov: null });
  };
  chart.canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const svg = chart.drawing.querySelector("svg");
    if (!svg) return;
    const x = event.clientX - svg.getBoundingClientRect().left;
    const date = Math.round(chart.view.scale("x").invert(x - chart.view.origin()[0]) / 864e5) * 864e5;
    const told = tell(date);
    if (!told) return leave();
    chart.update({}, { hov: told.date ?? date });
    box.show(told.title, told.lines, x, 24);
  });
  chart.canvas.addEventListener("pointerleave", leave);
}
