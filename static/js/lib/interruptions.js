/**
 * What readings say of a path that carried nothing for a while and carries again, as after another network: the losses of
 * the interruption say nothing of how it is now, and must move nobody to another path. A path that is interrupted again and
 * again is a bad one: there they count. Pure: readings go in.
 *
 * @import { Rates, StreamRates } from "./stats_math.js"
 */

/** One interruption in this time is forgiven. */
const FORGIVEN_EVERY_MS = 60_000;
/** The other end reports its losses every 5 s (RFC 3550 §6.2): until the second report they are of the interruption. */
const REPORTED_FOR_MS = 6000;

export class Interruptions {
  #mended_ms = -Infinity;
  #forgiven_ms = -Infinity;

  /** The path carries again. @param {number} now_ms @returns {boolean} whether what was read before is to be forgotten */
  mended(now_ms) {
    const first = now_ms - this.#mended_ms >= FORGIVEN_EVERY_MS;
    this.#mended_ms = now_ms;
    if (first) this.#forgiven_ms = now_ms;
    return first;
  }

  /**
   * @param {Rates} rates up to `now_ms`
   * @param {number} now_ms
   * @returns {Rates|null} what of it is true of the path as it is now; null: nothing
   */
  reading(rates, now_ms) {
    if (now_ms - rates.interval_ms < this.#forgiven_ms) return null;
    return now_ms - this.#forgiven_ms < REPORTED_FOR_MS ? without_reported_loss(rates) : rates;
  }
}

/** @param {Rates} rates @returns {Rates} */
function without_reported_loss(rates) {
  /** @param {[string, StreamRates]} stream @returns {[string, StreamRates]} */
  const known_here = ([name, stream]) => [name, name.startsWith("out:") ? { ...stream, loss: null } : stream];
  return { ...rates, streams: Object.fromEntries(Object.entries(rates.streams).map(known_here)) };
}
