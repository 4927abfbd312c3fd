/**
 * The keys a worker seals and opens frames with. Pure: time is passed in, in milliseconds of any monotonic clock.
 *
 * @import { FrameKey } from "./sframe.js"
 */

import { SendingKey } from "./frame_crypto.js";

/** Frames that were on their way when their sender took a new key into use: late, not lost. */
export const LATE_MS = 3000;
/** The key in use, the one to come, and what a sender in a hurry may make in between. */
const KEYS_PER_SENDER = 4;

/** @typedef {{key: FrameKey, from: string, used: boolean, until_ms: number}} Held */

export class KeyRing {
  /** @type {SendingKey|null} */
  sending = null;
  /** @type {Map<number, Held>} oldest first */
  #held = new Map();

  /** @param {FrameKey} key */
  use_sending(key) {
    // A second counter for one key would repeat its nonces.
    if (this.sending?.id !== key.id) this.sending = new SendingKey(key);
  }

  /**
   * @param {string} from
   * @param {FrameKey} key
   * @returns {boolean} false when another sender has a key of this id: the first one keeps it
   */
  add_receiving(from, key) {
    const same = this.#held.get(key.id);
    if (same) return same.from === from;
    this.#held.set(key.id, { key, from, used: false, until_ms: Infinity });
    const theirs = [...this.#held.values()].filter((held) => held.from === from);
    for (const { key: old } of theirs.slice(0, Math.max(0, theirs.length - KEYS_PER_SENDER))) this.#held.delete(old.id);
    return true;
  }

  /** @param {string} from */
  forget(from) {
    for (const [id, held] of this.#held) if (held.from === from) this.#held.delete(id);
  }

  /** @param {number} key_id @param {number} now_ms @returns {Held|null} */
  find(key_id, now_ms) {
    const held = this.#held.get(key_id);
    if (!held) return null;
    if (now_ms > held.until_ms) {
      this.#held.delete(key_id);
      return null;
    }
    return held;
  }

  /**
   * A frame opened with this key: the keys this sender had before it are over soon.
   *
   * @param {number} key_id
   * @param {number} now_ms
   * @returns {boolean} true for the first frame of a key
   */
  note_use(key_id, now_ms) {
    const used = this.#held.get(key_id);
    if (!used || used.used) return false;
    used.used = true;
    for (const held of this.#held.values()) {
      if (held === used) break;
      if (held.from === used.from) held.until_ms = Math.min(held.until_ms, now_ms + LATE_MS);
    }
    return true;
  }
}
