// Where the names of bubbles stand. The same rules as charts/ticks.py.

const LETTER = 8;
const LINE = 13;

/** @typedef {{dx: number, dy: number, align: "left" | "right" | "center"}} Spot from the bubble's middle, in pixels */

/**
 * Return a place for each name beside its bubble where it hides no other name; null where there is no room. The first come
 * first: to the right, to the left, above, below.
 * @param {{x: number, y: number, radius: number, name: string}[]} bubbles an empty name needs no room
 * @returns {(Spot | null)[]}
 */
export function beside(bubbles) {
  /** @type {number[][]} */
  const taken = [];
  return bubbles.map((bubble) => {
    const spot = bubble.name ? around(bubble.radius).find((one) => !taken.some((other) => hides(boxOf(bubble, one), other))) : undefined;
    if (spot) taken.push(boxOf(bubble, spot));
    return spot ?? null;
  });
}

/** @param {number} radius @returns {Spot[]} */
function around(radius) {
  const [away, over] = [radius + 3, radius + 9];
  return [
    { dx: away, dy: 0, align: "left" },
    { dx: -away, dy: 0, align: "right" },
    { dx: 0, dy: -over, align: "center" },
    { dx: 0, dy: over, align: "center" },
  ];
}

/** @param {{x: number, y: number, name: string}} bubble @param {Spot} spot @returns {number[]} left, right, top, bottom */
function boxOf({ x, y, name }, { dx, dy, align }) {
  const wide = LETTER * name.length;
  const left = x + dx - { left: 0, center: 0.5, right: 1 }[align] * wide;
  return [left, left + wide, y + dy - LINE / 2, y + dy + LINE / 2];
}

/** @param {number[]} one @param {number[]} other */
function hides([left, right, top, bottom], other) {
  return left < other[1] && other[0] < right && top < other[3] && other[2] < bottom;
}
