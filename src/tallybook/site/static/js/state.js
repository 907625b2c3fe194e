// The state of a page in its address, so that a link shows the same picture and the back button goes back.

import { isoDay, parseDay } from "./format.js";

/**
 * @template T
 * @typedef {object} Field one part of the state
 * @property {T} fallback what it is where the address says nothing
 * @property {(text: string) => T | undefined} parse its value; undefined where the text is none
 * @property {(value: T) => string} format its text
 */

/** The text of the state in the address: after "?", or after "#?" where a page from a disk may not change its address. */
function said() {
  return location.hash.startsWith("#?") ? location.hash.slice(2) : location.search.slice(1);
}

/**
 * Read the state.
 * @param {Record<string, Field<any>>} fields
 * @returns {{state: Record<string, any>, wrong: string[]}} every field; those whose text was none have their fallback and
 *   are named in `wrong`.
 */
export function readState(fields) {
  const given = new URLSearchParams(said());
  const state = /** @type {Record<string, any>} */ ({});
  const wrong = [];
  for (const [name, field] of Object.entries(fields)) {
    const text = given.get(name);
    const value = text === null ? field.fallback : field.parse(text);
    if (value === undefined) wrong.push(name);
    state[name] = value === undefined ? field.fallback : value;
  }
  return { state, wrong };
}

/**
 * Return the address of a state: what is as it would be anyway is left out, what is not of the state stays.
 * @param {Record<string, Field<any>>} fields
 * @param {Record<string, any>} state
 * @returns {string} what follows the "?"
 */
export function queryOf(fields, state) {
  const query = new URLSearchParams(said());
  for (const [name, field] of Object.entries(fields)) {
    const text = field.format(state[name]);
    if (text === field.format(field.fallback)) query.delete(name);
    else query.set(name, text);
  }
  // Commas and colons may stand in a query as they are, and people read them.
  return query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
}

/**
 * Put the state into the address.
 * @param {Record<string, Field<any>>} fields
 * @param {Record<string, any>} state
 * @param {{replace?: boolean}} [how] whether it is a step the back button skips
 */
export function writeState(fields, state, { replace = false } = {}) {
  const query = queryOf(fields, state);
  if (query === said()) return;
  const url = `${location.pathname}${query ? `?${query}` : ""}`;
  try {
    if (replace) history.replaceState(null, "", url);
    else history.pushState(null, "", url);
  } catch {
    const hash = `#?${query}`;
    if (replace) location.replace(hash);
    else location.hash = hash;
  }
}

/**
 * Call back when the reader goes back or forth.
 * @param {() => void} back
 */
export function onBack(back) {
  addEventListener("popstate", back);
}

/**
 * @template {string} T
 * @param {readonly T[]} choices
 * @param {T} fallback
 * @returns {Field<T>} one of some words
 */
export function oneOf(choices, fallback) {
  const known = /** @type {readonly string[]} */ (choices);
  return { fallback, parse: (text) => (known.includes(text) ? /** @type {T} */ (text) : undefined), format: (value) => value };
}

/**
 * @param {number} fallback
 * @param {number} least
 * @param {number} most
 * @returns {Field<number>} a number within bounds
 */
export function numberOf(fallback, least, most) {
  return {
    fallback,
    parse: (text) => (/^-?\d+(\.\d+)?$/.test(text) && +text >= least && +text <= most ? +text : undefined),
    format: String,
  };
}

/**
 * @param {readonly string[]} known
 * @param {readonly string[]} fallback
 * @returns {Field<string[]>} some of the known words, in their order, so that the order they were chosen in changes nothing
 */
export function someOf(known, fallback) {
  return {
    fallback: [...fallback],
    parse: (text) => {
      const asked = text.split(",").filter(Boolean);
      return asked.every((word) => known.includes(word)) ? known.filter((word) => asked.includes(word)) : undefined;
    },
    format: (value) => known.filter((word) => value.includes(word)).join(","),
  };
}

/**
 * @param {number} fallback
 * @param {number} first
 * @param {number} last days since 1970
 * @returns {Field<number>} a day of the record, never one beyond it
 */
export function dayOf(fallback, first, last) {
  return {
    fallback,
    parse: (text) => {
      const day = parseDay(text);
      return day !== undefined && day >= first && day <= last ? day : undefined;
    },
    format: isoDay,
  };
}

/** @returns {Field<[number | null, number | null]>} from and to, either open: "1e6..", "..50", "10..50" */
export function rangeOf() {
  const bound = (/** @type {string} */ text) => (text === "" ? null : Number(text));
  return {
    fallback: [null, null],
    parse: (text) => {
      const [from, to, more] = text.split("..").map(bound);
      return more === undefined && to !== undefined && ![from, to].some(Number.isNaN) ? [from, to] : undefined;
    },
    format: ([from, to]) => `${from ?? ""}..${to ?? ""}`,
  };
}

/**
 * @param {readonly string[]} keys
 * @returns {Field<{key: string, count: number, end: "top" | "bottom"} | null>} the largest or smallest: "top:10:population"
 */
export function rankOf(keys) {
  return {
    fallback: null,
    parse: (text) => {
      const found = /^(top|bottom):(\d{1,4}):(\w+)$/.exec(text);
      if (!found || !keys.includes(found[3]) || !+found[2]) return undefined;
      return { end: /** @type {"top" | "bottom"} */ (found[1]), count: +found[2], key: found[3] };
    },
    format: (rank) => (rank ? `${rank.end}:${rank.count}:${rank.key}` : ""),
  };
}
