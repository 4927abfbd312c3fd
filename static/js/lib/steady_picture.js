/**
 * When one moving picture may take the place of another without anybody noticing. Pure: told of every frame of both, it
 * answers whether to swap now.
 *
 * The new one must run steadily, show nothing older than the one it replaces, and be about as sharp. How long the last two
 * are worth waiting for is bounded, and they do not count while the old picture stands still.
 */

const FRAMES_NEEDED = 5;
/** A pause between two frames that nobody takes for a stop: three times the usual one, and never less than this. */
const PAUSE_MS = 150;
const STANDS_STILL_MS = 500;
/** The upper layers of a simulcast picture are there after a second or two. */
const SHARPNESS_WITHIN_MS = 2000;
const CAUGHT_UP_WITHIN_MS = 1000;
/** A shared screen may show one frame a second: this is long enough for any picture. */
const AT_LAST_MS = 3000;
const SHARP_ENOUGH = 0.7;

/** @typedef {{height: number, captured_ms: number|null}} Frame captured_ms: on this device's clock, null when not known */

export class SteadyPicture {
  /** @type {number[]} when the newest frames of the new picture were shown */
  #frames_ms = [];
  /** @type {number|null} */
  #first_ms = null;
  /** @type {Frame|null} */
  #newest = null;
  /** @type {Frame|null} */
  #seen = null;
  #seen_ms;

  /** @param {number} now_ms the old picture is taken to run at this moment */
  constructor(now_ms) {
    this.#seen_ms = now_ms;
  }

  /** A frame of the new picture. @param {number} now_ms @param {Frame} frame */
  come(now_ms, frame) {
    this.#first_ms ??= now_ms;
    this.#newest = frame;
    this.#frames_ms = [...this.#frames_ms, now_ms].slice(-FRAMES_NEEDED);
  }

  /** A frame of the picture that is seen. @param {number} now_ms @param {Frame} frame */
  see(now_ms, frame) {
    this.#seen_ms = now_ms;
    this.#seen = frame;
  }

  /** @param {number} now_ms @param {{old_ended: boolean}} old @returns {boolean} */
  ready(now_ms, { old_ended }) {
    if (this.#first_ms === null || !this.#newest) return false;
    const waited_ms = now_ms - this.#first_ms;
    if (old_ended || waited_ms >= AT_LAST_MS) return true;
    if (!this.#is_steady(now_ms)) return false;
    if (now_ms - this.#seen_ms >= STANDS_STILL_MS || !this.#seen) return true;
    const [newest, seen] = [this.#newest, this.#seen];
    const older = newest.captured_ms !== null && seen.captured_ms !== null && newest.captured_ms < seen.captured_ms;
    if (older && waited_ms < CAUGHT_UP_WITHIN_MS) return false;
    return newest.height >= SHARP_ENOUGH * seen.height || waited_ms >= SHARPNESS_WITHIN_MS;
  }

  /** @param {number} now_ms */
  #is_steady(now_ms) {
    if (this.#frames_ms.length < FRAMES_NEEDED) return false;
    const pauses = this.#frames_ms.slice(1).map((at_ms, index) => at_ms - /** @type {number} */ (this.#frames_ms[index]));
    const usual_ms = pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length;
    const most_ms = Math.max(3 * usual_ms, PAUSE_MS);
    const last_ms = /** @type {number} */ (this.#frames_ms.at(-1));
    return Math.max(...pauses, now_ms - last_ms) <= most_ms;
  }
}
