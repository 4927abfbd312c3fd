/**
 * What may be said about the encryption of one connection, from what the worker counted. Never from what was asked for: an
 * attribute says what somebody wanted, a counter what happened. And the worker's counters are held against the browser's own,
 * because a browser that bypasses the worker leaves it counting the other half.
 *
 *   pending         nothing proves anything: not yet, or more was sent or shown than the worker had in its hands
 *   alarm           somebody sits between the people, or tampered with their keys
 *   e2e_direct      sealed here, opened there; from device to device
 *   e2e_relayed     the same, through a relay
 *   e2e_server      the same, through the clinic's server, which has no key
 *   recorder_key    the same, and the recorder or an assistant was given a key
 *   transport       between the two devices, by their connection alone: one of the browsers cannot encrypt frames
 *   to_server       as far as the clinic's server
 *
 * @import { CryptoCounts } from "../call/frame_transforms.js"
 * @import { KindCounts } from "./wire_frames.js"
 * @typedef {{crypto: CryptoCounts, seen: KindCounts, wire: KindCounts}} Reading of one connection, since it was made
 * @typedef {"pending"|"alarm"|"e2e_direct"|"e2e_relayed"|"e2e_server"|"recorder_key"|"transport"|"to_server"} EncryptionState
 */

import { bypasses_worker } from "./wire_frames.js";

/** How far back counts count. */
const WINDOW_MS = 4000;
/** What bypasses the worker is looked for between readings so old and those of the last two seconds. */
const EARLIER_MS = 5000;
const RECENT_MS = 2000;
const KEPT_MS = 8000;

/** Which words go with a route. @type {Record<string, EncryptionState>} */
const SEALED_BY_ROUTE = { direct: "e2e_direct", relay: "e2e_relayed", server: "e2e_server" };

export class EncryptionWatch {
  /** Something left or came past the worker, or in clear: that counts even where nothing is shown of this connection. */
  exposed = false;
  /** @type {{at_ms: number, counts: Reading}[]} */
  #seen = [];
  /** @type {EncryptionState} */
  #last = "pending";

  /**
   * @param {object} now
   * @param {number} now.at_ms
   * @param {Reading} now.counts
   * @param {string} now.route "direct"|"relay"|"server"|""
   * @param {boolean} now.connected
   * @param {boolean} now.alarm
   * @param {boolean} now.recorder_has_key
   * @param {boolean} [now.clear_agreed] somebody was let in who cannot encrypt, perhaps this browser: it has no worker to bypass
   * @returns {EncryptionState}
   */
  judge({ at_ms, counts, route, connected, alarm, recorder_has_key, clear_agreed = false }) {
    this.#seen.push({ at_ms, counts });
    // The newest reading that is older than what is looked at, and all younger ones: a hidden page reads seldom.
    this.#seen.splice(0, Math.max(0, this.#seen.findLastIndex((seen) => at_ms - seen.at_ms >= KEPT_MS)));
    /** @param {(age_ms: number) => boolean} is_meant */
    const read = (is_meant) => this.#seen.filter((seen) => is_meant(at_ms - seen.at_ms)).map((seen) => seen.counts);
    const before = read((age_ms) => age_ms >= WINDOW_MS).at(-1) ?? read((age_ms) => age_ms > 0)[0] ?? null;
    /** @param {keyof CryptoCounts} word */
    const grown = (word) => counts.crypto[word] - (before?.crypto[word] ?? 0);
    const goes_past = this.#goes_past(read);
    this.exposed = (goes_past && !clear_agreed) || (connected && grown("clear") > 0);
    if (alarm) return "alarm";
    if (!connected || route === "") return (this.#last = "pending");
    // At first every reading counts by itself as well: nothing is promised before it is sure.
    const unsure = this.#last === "pending" && read((age_ms) => age_ms >= EARLIER_MS).length === 0 && bypasses_worker([], [counts]);
    const bypassed = goes_past || unsure;
    if (bypassed && !clear_agreed) return (this.#last = "pending");
    if (bypassed || grown("clear") > 0) this.#last = route === "server" ? "to_server" : "transport";
    else if (grown("sealed") + grown("opened") > 0) {
      // What comes and does not open proves nothing but that something is wrong.
      const opens = grown("opened") > 0 || grown("unopened") + grown("stranger") === 0;
      const sealed = SEALED_BY_ROUTE[route] ?? "pending";
      this.#last = !opens ? "pending" : recorder_has_key ? "recorder_key" : sealed;
    } else if (this.#last.startsWith("e2e_")) this.#last = SEALED_BY_ROUTE[route] ?? "pending";
    return this.#last;
  }

  /**
   * Whether more and more goes past the worker. A busy worker is behind for a while, so two seconds of readings are needed.
   *
   * @param {(is_meant: (age_ms: number) => boolean) => Reading[]} read
   */
  #goes_past(read) {
    if (read((age_ms) => age_ms >= RECENT_MS).length === 0) return false;
    return bypasses_worker(read((age_ms) => age_ms >= EARLIER_MS), read((age_ms) => age_ms <= RECENT_MS));
  }
}
