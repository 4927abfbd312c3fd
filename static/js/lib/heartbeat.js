/**
 * Whether the peer is still there, told by beats on an unreliable channel. Pure: the owner beats and asks.
 *
 * @typedef {"unknown"|"alive"|"lost"} Pulse unknown: no beat was heard yet
 */

export class Heartbeat {
  /** @type {number|null} */
  #last_beat_ms = null;
  #was_lost = false;

  /** @param {{lost_after_ms: number}} options */
  constructor({ lost_after_ms }) {
    this.lost_after_ms = lost_after_ms;
  }

  /** @param {number} now_ms */
  hear(now_ms) {
    this.#last_beat_ms = now_ms;
  }

  /** Another connection takes the place of the one that was heard: nothing came over it yet. */
  begin_again() {
    this.#last_beat_ms = null;
  }

  /** @param {number} now_ms @returns {Pulse} */
  pulse(now_ms) {
    if (this.#last_beat_ms === null) return "unknown";
    return now_ms - this.#last_beat_ms >= this.lost_after_ms ? "lost" : "alive";
  }

  /**
   * The pulse when it changed between alive and lost since the last call, else null.
   *
   * @param {number} now_ms
   * @returns {Pulse|null}
   */
  change(now_ms) {
    const pulse = this.pulse(now_ms);
    const lost = pulse === "lost";
    if (pulse === "unknown" || lost === this.#was_lost) return null;
    this.#was_lost = lost;
    return pulse;
  }

  /** @param {number} now_ms @returns {number} milliseconds since the last beat, 0 before the first */
  silence_ms(now_ms) {
    return this.#last_beat_ms === null ? 0 : now_ms - this.#last_beat_ms;
  }
}
