// Whether the page is dark.

/** Where the reader's choice is kept. */
export const KEY = "tallybook-theme";

/** @returns {boolean} whether the page is dark: as the reader chose, or else as the system is. */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
