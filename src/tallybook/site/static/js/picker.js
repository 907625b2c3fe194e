// Choosing places one by one: a list of boxes, narrowed by typing.

/**
 * @param {HTMLElement} root holds a search field, `.picker-list` and a line for how many are chosen
 * @param {{geoid: string, title: string, short: string}[]} places
 * @param {(chosen: string[]) => void} changed
 * @returns {(chosen: string[]) => void} shows another choice
 */
export function picker(root, places, changed) {
  const search = /** @type {HTMLInputElement} */ (root.querySelector("input[type=search]"));
  const list = /** @type {HTMLElement} */ (root.querySelector(".picker-list"));
  const boxes = [...places].sort((a, b) => a.title.localeCompare(b.title, "en")).map(box);
  list.replaceChildren(...boxes.map(({ label }) => label));
  const chosen = () => boxes.filter(({ input }) => input.checked).map(({ input }) => input.value);

  list.addEventListener("change", () => changed(chosen()));
  search.addEventListener("input", () => {
    const typed = search.value.trim().toLowerCase();
    for (const { label, place } of boxes) {
      label.hidden = !(place.title.toLowerCase().includes(typed) || place.short.toLowerCase() === typed);
    }
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const typed = search.value.trim().toLowerCase();
    const shown = boxes.filter(({ label }) => !label.hidden);
    const first = shown.find(({ place }) => place.short.toLowerCase() === typed) ?? shown[0];
    if (!typed || !first) return;
    first.input.checked = !first.input.checked;
    search.value = "";
    search.dispatchEvent(new Event("input"));
    changed(chosen());
  });
  return (wanted) => {
    for (const { input } of boxes) input.checked = wanted.includes(input.value);
  };
}

/** @param {{geoid: string, title: string, short: string}} place */
function box(place) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "checkbox";
  input.value = place.geoid;
  label.append(input, ` ${place.title}`);
  return { label, input, place };
}
