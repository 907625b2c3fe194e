// The theme: the system's unless the reader chose another, here or in the address (?theme=dark). It is set before the page
// is drawn; charts hear of a change by the event `themechange` and are not drawn anew.

import { isDark, KEY } from "./dark.js";

const root = document.documentElement;

/** @returns {string | null} what the reader chose: in the address, or earlier. */
function chosen() {
  const asked = new URLSearchParams(location.search).get("theme");
  if (asked === "light" || asked === "dark") return asked;
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {boolean} dark */
function tell(dark) {
  const button = document.getElementById("theme");
  if (button) {
    button.hidden = false;
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", dark ? "Use light colours" : "Use dark colours");
  }
  document.dispatchEvent(new CustomEvent("themechange", { detail: { dark } }));
}

function switchTheme() {
  const wanted = isDark() ? "light" : "dark";
  root.dataset.theme = wanted;
  try {
    localStorage.setItem(KEY, wanted);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  tell(isDark());
}

const choice = chosen();
if (choice === "light" || choice === "dark") root.dataset.theme = choice;
if (new URLSearchParams(location.search).get("embed") === "1") root.dataset.embed = "";

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("theme")?.addEventListener("click", switchTheme);
  tell(isDark());
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => tell(isDark()));
// Paper is white.
addEventListener("beforeprint", () => document.dispatchEvent(new CustomEvent("themechange", { detail: { dark: false } })));
addEventListener("afterprint", () => tell(isDark()));
