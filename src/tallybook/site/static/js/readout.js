// What the pointer or the keys are on, as a short list beside them.

/** A list that stands in the canvas of a chart. */
class Readout {
  /** @param {HTMLElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.box = document.createElement("div");
    this.box.className = "readout";
    this.box.hidden = true;
    this.box.setAttribute("aria-hidden", "true");
    canvas.append(this.box);
  }

  hide() {
    this.box.hidden = true;
  }

  /**
   * @param {string} title
   * @param {{name: string, value: string, colour?: number, strong?: boolean}[]} lines
   * @param {number} x of what it is about, in pixels of the canvas
   * @param {number} y
   */
  show(title, lines, x, y) {
    const head = document.createElement("strong");
    head.textContent = title;
    const list = document.createElement("ol");
    list.className = lines.length > 16 ? "many" : "";
    list.append(...lines.map(entry));
    this.box.replaceChildren(head, list);
    this.box.hidden = false;
    const left = x > this.canvas.clientWidth / 2 ? x - this.box.offsetWidth - 14 : x + 14;
    this.box.style.left = `${Math.max(0, Math.min(left, this.canvas.clientWidth - this.box.offsetWidth))}px`;
    this.box.style.top = `${Math.max(0, Math.min(y, this.canvas.clientHeight - this.box.offsetHeight))}px`;
  }
}

/** @param {HTMLElement} canvas */
export function readout(canvas) {
  return new Readout(canvas);
}

/** @param {{name: string, value: string, colour?: number, strong?: boolean}} line */
function entry({ name, value, colour, strong }) {
  const item = document.createElement("li");
  if (colour !== undefined) {
    item.style.borderColor = `var(--place-${(colour % 7) + 1})`;
    item.style.borderLeftStyle = colour < 7 ? "solid" : "dotted";
  }
  if (strong) item.className = "strong";
  const number = document.createElement("span");
  number.textContent = value;
  item.append(`${name} `, number);
  return item;
}
