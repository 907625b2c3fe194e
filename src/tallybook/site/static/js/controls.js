// Native controls of a page.

/** @param {string} id @returns {string} */
export function valueOf(id) {
  return /** @type {HTMLInputElement} */ (document.getElementById(id)).value;
}

/** @param {string} id @param {string[][]} choices value and text */
export function fillSelect(id, choices) {
  const made = choices.map(([value, text]) => new Option(text, value));
  document.getElementById(id)?.replaceChildren(...made);
}

/** @param {string} id of a button @param {() => void} act */
export function press(id, act) {
  document.getElementById(id)?.addEventListener("click", act);
}
