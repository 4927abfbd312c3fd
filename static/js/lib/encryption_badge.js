/**
 * What may be said about the encryption of a visit while its route moves: then there are two connections, and people may see
 * one and hear the other.
 *
 *   built beside, unseen ─▶ the first of it is shown ─▶ all of it is shown ─▶ closed
 *   (claims nothing)        (the weaker of the two)     (the other one claims nothing)
 *
 * A connection of which nothing is shown yet promises nothing and takes nothing back, with one exception: it may carry this
 * person's sound and picture already, so what it lets out readable is told at once.
 *
 * @import { EncryptionState, Reading } from "./encryption_state.js"
 * @typedef {object} WatchedPath
 * @property {string} connection another one counts from zero
 * @property {Reading} counts
 * @property {string} route "direct"|"relay"|"server"|""
 * @property {boolean} connected
 * @property {boolean} shown something of it is seen or heard
 */

import { EncryptionWatch } from "./encryption_state.js";

/** @type {EncryptionState[]} */
const WEAKEST_FIRST = ["alarm", "pending", "to_server", "transport", "recorder_key", "e2e_server", "e2e_relayed", "e2e_direct"];

export class EncryptionBadge {
  /** @type {Map<string, EncryptionWatch>} by connection */
  #watches = new Map();

  /**
   * @param {object} now
   * @param {number} now.at_ms
   * @param {WatchedPath[]} now.paths that carry something, the one in use first
   * @param {boolean} now.alarm
   * @param {boolean} now.recorder_has_key
   * @param {boolean} [now.clear_agreed]
   * @returns {EncryptionState}
   */
  judge({ paths, alarm, ...facts }) {
    for (const known of this.#watches.keys()) {
      if (!paths.some(({ connection }) => connection === known)) this.#watches.delete(known);
    }
    const judged = paths.map(({ connection, shown, ...path }) => {
      const watch = this.#watches.get(connection) ?? new EncryptionWatch();
      this.#watches.set(connection, watch);
      const state = watch.judge({ ...facts, ...path, alarm });
      return { state, exposed: watch.exposed, seen: shown && path.connected };
    });
    if (alarm) return "alarm";
    // A picture that stands still because its connection is gone is nothing that could be read now.
    const used = judged.some(({ seen }) => seen) ? [] : judged.slice(0, 1);
    const states = [...used, ...judged.filter(({ seen, exposed }) => seen || exposed)].map(({ state }) => state);
    return WEAKEST_FIRST.find((state) => states.includes(state)) ?? "pending";
  }
}
