// The keys of a chart over days: left and right a day, page up and down a month, home and end; what is there is said.

/**
 * @param {any} chart
 * @param {{source: string, text: (row: any) => string}} days
 */
export function walkDays(chart, { source, text }) {
  let at = -1;
  const go = (/** @type {number} */ to) => {
    const rows = chart.data[source];
    if (!rows?.length) return;
    at = Math.max(0, Math.min(rows.length - 1, to));
    chart.update({}, { hov: rows[at].date });
    chart.say(text(rows[at]));
  };
  chart.canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const last = chart.data[source].length - 1;
    const to = stepped(event.key, at < 0 ? last + 1 : at, last);
    if (to === null) return;
    event.preventDefault();
    go(to);
  });
  chart.canvas.addEventListener("blur", () => chart.update({}, { hov: null }));
}

/**
 * @param {string} key
 * @param {number} at
 * @param {number} last
 * @returns {number | null} where the key leads; null where it is none of these
 */
export function stepped(key, at, last) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 };
  if (key === "Home") return 0;
  if (key === "End") return last;
  const step = steps[/** @type {keyof typeof steps} */ (key)];
  return step === undefined ? null : Math.max(0, Math.min(last, at + step));
}
