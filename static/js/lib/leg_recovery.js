/**
 * When a connection to the media server is mended by an ICE restart, and when a new one takes its place (REL-4).
 * Pure: told once per tick how things stand, it answers what to do now.
 *
 *   lost ─▶ restart ─▶ restart ─▶ renew          nothing came about in 10 s, keys failed, the server ended it ─▶ renew
 */

import { backoff_ms } from "./backoff.js";
import { Recovery } from "./recovery.js";

/** Restarts mend a changed network within seconds or not at all. */
const RESTARTS_BEFORE_RENEWAL = 2;
/** A server that takes and drops connections must not be asked in a circle. */
const SOUND_AFTER_MS = 10_000;
const PAUSE = { first_ms: 1000, max_ms: 15_000 };

export class LegRecovery {
  #random;
  #recovery;
  #renewals = 0;
  /** @type {number|null} */
  #renew_at_ms = null;
  /** @type {number|null} */
  #healthy_since_ms = null;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.#random = random;
    this.#recovery = new Recovery({ random });
  }

  /**
   * @param {object} now
   * @param {import("./heartbeat.js").Pulse} now.pulse unknown: nothing came from the server yet
   * @param {string} now.ice_state iceConnectionState
   * @param {string} now.connection_state failed with a good ICE state: the keys could not be agreed on
   * @param {boolean} now.reachable our socket is up, so an offer can be answered
   * @param {number} now_ms
   * @returns {"none"|"restart"|"renew"}
   */
  tick({ pulse, ice_state, connection_state, reachable }, now_ms) {
    if (this.#renew_at_ms !== null) return reachable && now_ms >= this.#renew_at_ms ? this.#renew() : "none";
    const keys_failed = connection_state === "failed" && ice_state !== "failed" && ice_state !== "disconnected";
    this.#watch_health(pulse === "alive" && ice_state !== "failed" && !keys_failed, now_ms);
    if (keys_failed) {
      this.lose(now_ms);
      return "none";
    }
    if (!this.#recovery.tick({ pulse, ice_state, reachable }, now_ms)) return "none";
    return pulse === "unknown" || this.#recovery.attempts > RESTARTS_BEFORE_RENEWAL ? this.#renew() : "restart";
  }

  /**
   * The connection is beyond mending: the next one is due at once, later ones after longer and longer pauses.
   *
   * @param {number} now_ms
   * @param {{refused?: boolean}} [how] refused: the server said no, so never at once
   */
  lose(now_ms, { refused = false } = {}) {
    if (this.#renew_at_ms !== null) return;
    const pauses = this.#renewals + (refused ? 1 : 0);
    this.#renew_at_ms = now_ms + (pauses === 0 ? 0 : backoff_ms(pauses - 1, { ...PAUSE, random: this.#random }));
  }

  /** The network came back: whatever pause was running is over. */
  hurry() {
    this.#recovery.hurry();
    if (this.#renew_at_ms !== null) this.#renew_at_ms = -Infinity;
  }

  /** @param {boolean} healthy @param {number} now_ms */
  #watch_health(healthy, now_ms) {
    this.#healthy_since_ms = healthy ? (this.#healthy_since_ms ?? now_ms) : null;
    if (this.#healthy_since_ms !== null && now_ms - this.#healthy_since_ms >= SOUND_AFTER_MS) this.#renewals = 0;
  }

  /** @returns {"renew"} */
  #renew() {
    this.#renewals += 1;
    this.#renew_at_ms = null;
    this.#healthy_since_ms = null;
    this.#recovery = new Recovery({ random: this.#random });
    return "renew";
  }
}
