// Playing through the days, or weeks: so many days a second, whatever the screen's rate.

/** A player from one day to the last. */
class Player {
  /**
   * @param {{last: () => number, day: () => number, speed: () => number, step: number, show: (day: number) => void, done: () => void}} film
   */
  constructor(film) {
    this.film = film;
    this.request = 0;
  }

  get playing() {
    return this.request !== 0;
  }

  play() {
    const { film } = this;
    // Without motion a week is shown at a time, once a second.
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const from = film.day() >= film.last() ? null : film.day();
    let began = performance.now();
    let first = from ?? this.firstDay ?? film.day();
    let speed = film.speed();
    const step = (/** @type {number} */ now) => {
      if (speed !== film.speed()) {
        [first, began, speed] = [film.day(), now, film.speed()];
      }
      const seconds = Math.max(0, now - began) / 1000;
      const day = Math.min(film.last(), first + (calm ? Math.floor(seconds) * 7 : Math.floor((seconds * speed) / film.step) * film.step));
      if (day !== film.day()) film.show(day);
      if (day >= film.last()) this.pause();
      else this.request = requestAnimationFrame(step);
    };
    this.request = requestAnimationFrame(step);
  }

  pause() {
    cancelAnimationFrame(this.request);
    this.request = 0;
    this.film.done();
  }
}

/**
 * @param {number} firstDay where a film that is over begins again
 * @param {{last: () => number, day: () => number, speed: () => number, step: number, show: (day: number) => void, done: () => void}} film
 */
export function player(firstDay, film) {
  const made = new Player(film);
  made.firstDay = firstDay;
  return made;
}
