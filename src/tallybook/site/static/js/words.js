// Lines of text.

/**
 * @param {string} text
 * @param {number} most characters of a line, about
 * @returns {string[]}
 */
export function wrapped(text, most) {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const last = lines[lines.length - 1];
    if (last && last.length + 1 + word.length > Math.max(24, most)) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
}
