// Where axes have ticks, and how labels keep apart. The same rules as charts/ticks.py.

const MOST = 6;

/** @param {number} last the last day number @returns {number[]} day 1, then round numbers, at most six */
export function dayTicks(last) {
  const step = [1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 2500].find((days) => last / days < MOST) ?? 5000;
  const ticks = [1];
  for (let day = step; day <= last; day += step) if (day > 1) ticks.push(day);
  return ticks;
}

/** @param {number} last the last day number @returns {number[]} the days of week 1, then of round numbers, at most six */
export function weekTicks(last) {
  return dayTicks(Math.floor((last - 1) / 7) + 1).map((week) => (week - 1) * 7 + 1);
}

/** @param {number} first @param {number} last days since 1970 @returns {number[]} first days of months, or single days */
export function dateTicks(first, last) {
  const days = last - first;
  if (days < 62) {
    const step = [1, 2, 7, 14].find((one) => days / one < MOST) ?? 14;
    return Array.from({ length: Math.floor(days / step) + 1 }, (_, at) => first + at * step);
  }
  const step = [1, 2, 3, 6, 12, 24].find((months) => days / (30.4 * months) < MOST) ?? 60;
  const ticks = [];
  const begin = new Date(first * 864e5);
  for (let month = begin.getUTCFullYear() * 12 + begin.getUTCMonth(); ; month += 1) {
    const day = Date.UTC(Math.floor(month / 12), month % 12, 1) / 864e5;
    if (day > last) return ticks;
    if (day >= first && month % step === 0) ticks.push(day);
  }
}

/** @param {number} most @returns {number} a round number at or above it, for a linear axis from 0 */
export function niceTop(most) {
  if (!(most > 0)) return 1;
  const size = 10 ** Math.floor(Math.log10(most));
  return (/** @type {number} */ ([1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * size >= most * (1 - 1e-9))) ?? 10) * size;
}

/**
 * Return positions near the wanted ones, in the same order, that keep the gap and stay within the height: each is pushed down
 * by those above it and up by those below; the mean of both keeps the gap, too.
 * @param {number[]} wanted pixels
 * @param {number} gap pixels
 * @param {number} height pixels
 * @returns {number[]}
 */
export function apart(wanted, gap, height) {
  const count = wanted.length;
  const space = count > 1 ? Math.min(gap, height / (count - 1)) : 0;
  const order = wanted.map((_, at) => at).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const free = order.map((at, place) => wanted[at] - place * space);
  const down = [...free];
  const up = [...free];
  for (let at = 1; at < count; at += 1) down[at] = Math.max(down[at], down[at - 1]);
  for (let at = count - 2; at >= 0; at -= 1) up[at] = Math.min(up[at], up[at + 1]);
  const placed = /** @type {number[]} */ (Array(count));
  order.forEach((at, place) => {
    const mean = (down[place] + up[place]) / 2 + place * space;
    placed[at] = Math.max(Math.min(mean, height - (count - 1 - place) * space), place * space);
  });
  return placed;
}
