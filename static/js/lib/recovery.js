/**
 * When to restart ICE. Pure: told once per tick how things stand, it answers whether to restart now.
 */

import { backoff_ms } from "./backoff.js";

/** Loss is known 2.5 s after the last beat; half a second more lets a short gap heal by itself. */
export const RESTART_AFTER_MS = 500;
/** A first connection that has not come about by then has lost something; gathering over TURN/TLS may take seconds. */
const CONNECT_PATIENCE_MS = 10_000;
const PAUSE = { first_ms: 3000, max_ms: 7000 };

export class Recovery {
  /** @type {number|null} */
  #unhealthy_since_ms = null;
  /** @type {number} */
  #not_before_ms = -Infinity;
  #attempts = 0;
  #random;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.#random = random;
  }

  get attempts() {
    return this.#attempts;
  }

  /**
   * @param {object} now
   * @param {import("./heartbeat.js").Pulse} now.pulse
   * @param {string} now.ice_state iceConnectionState
   * @param {boolean} now.reachable the peer's page and our own socket are there, so an offer can be answered
   * @param {number} now_ms
   * @returns {boolean} true: restart ICE now
   */
  tick({ pulse, ice_state, reachable }, now_ms) {
    const healthy = pulse === "alive" && ice_state !== "failed";
    if (healthy) {
      this.#unhealthy_since_ms = null;
      this.#not_before_ms = -Infinity;
      this.#attempts = 0;
      return false;
    }
    this.#unhealthy_since_ms ??= now_ms;
    if (!reachable || now_ms < this.#not_before_ms) return false;
    const patience_ms = ice_state === "failed" ? 0 : pulse === "unknown" ? CONNECT_PATIENCE_MS : RESTART_AFTER_MS;
    if (now_ms - this.#unhealthy_since_ms < patience_ms) return false;
    this.#not_before_ms = now_ms + backoff_ms(this.#attempts, { ...PAUSE, random: this.#random });
    this.#attempts += 1;
    return true;
  }

  /** The network came back, or the peer's page did: whatever pause was running is over. */
  hurry() {
    this.#not_before_ms = -Infinity;
    this.#attempts = 0;
  }
}
