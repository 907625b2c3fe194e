// Numbers and days as people read them. A day is a whole number, the days since 1970: it has no time and no zone.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const FINE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const FINER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });

/** @param {number} day @returns {string} such as "Mar 3, 2020" */
export function dayText(day) {
  const date = new Date(day * 864e5);
  return `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()}`;
}

/** @param {number} day @returns {number} the Saturday its MMWR week ends on */
export function weekEnd(day) {
  return day + ((9 - (day % 7)) % 7);
}

/** @param {number} day @returns {string} its MMWR week, such as "2025 week 12, ending Mar 22, 2025"; the rule of model/weeks.py */
export function weekText(day) {
  const end = weekEnd(day);
  const year = new Date((end - 3) * 864e5).getUTCFullYear();
  const week = Math.floor((end - 3 - Date.UTC(year, 0, 1) / 864e5) / 7) + 1;
  return `${year} week ${week}, ending ${dayText(end)}`;
}

/** @param {number} day @returns {string} such as "2020-03-03" */
export function isoDay(day) {
  return new Date(day * 864e5).toISOString().slice(0, 10);
}

/** @param {string} text @returns {number | undefined} the day of an ISO date; undefined where it is none */
export function parseDay(text) {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const day = Date.parse(`${text}T00:00:00Z`) / 864e5;
  return Number.isNaN(day) || isoDay(day) !== text ? undefined : day;
}

/** @param {number | null | undefined} value @returns {string} with its thousands separated; "–" where there is none */
export function numberText(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return WHOLE.format(value);
  return Math.abs(value) >= 10 ? FINE.format(value) : FINER.format(value);
}

/** @param {number} value @returns {string} with one decimal */
export function tenths(value) {
  return FINE.format(value);
}

/** @param {number} count @param {string} one @param {string} [many] @returns {string} such as "1 place", "56 places" */
export function plural(count, one, many = `${one}s`) {
  return `${WHOLE.format(count)} ${count === 1 ? one : many}`;
}

/** @param {string[]} titles @returns {string} the places by name, or how many they are */
export function named(titles) {
  if (!titles.length || titles.length > 3) return plural(titles.length, "place");
  return titles.length === 1 ? titles[0] : `${titles.slice(0, -1).join(", ")} and ${titles[titles.length - 1]}`;
}
