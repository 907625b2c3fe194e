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

/** Open where there is room; on a small screen closed at first, so that the picture comes before its choices. @param {string} id of details */
export function foldWhereNarrow(id) {
  const folded = /** @type {HTMLDetailsElement} */ (document.getElementById(id));
  const narrow = matchMedia("(max-width: 40rem)");
  const fold = () => (folded.open = !narrow.matches);
  narrow.addEventListener("change", fold);
  fold();
}
