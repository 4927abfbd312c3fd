/**
 * What people in a visit say to each other through the server, sealed: the server passes on bytes it cannot read.
 *
 * Each message is sealed with the data key of the sender's newest epoch, and bound to visit, sender and receiver. It may
 * arrive before the key does, so it is held for a moment; what never opens is told as "missing", for somebody to ask
 * again. A message that comes twice is taken once.
 *
 * Events (CustomEvents): "said" ({from, body}), "missing" ({from}).
 *
 * @import { FrameKey } from "../lib/sframe.js"
 */

import { from_base64url, to_base64url } from "../lib/base64url.js";
import { SendingKey } from "../lib/frame_crypto.js";
import { decode_header, open, seal, SFrameError } from "../lib/sframe.js";

const HOLD_MS = 5000;
const MAX_HELD = 64;
const KEYS_PER_SENDER = 8;

/** @typedef {{from: string, data: string, until_ms: number}} HeldWords */

export class SealedTalk extends EventTarget {
  #room;
  #me;
  #send;
  /** @type {SendingKey|null} */
  #own = null;
  /** @type {Map<number, {from: string, key: FrameKey, heard: Set<number>}>} by key id, oldest first; heard: counters */
  #keys = new Map();
  /** @type {HeldWords[]} */
  #held = [];
  /** Words leave in the order in which they were said. */
  #queue = Promise.resolve();

  /**
   * @param {string} room
   * @param {string} me
   * @param {(to: string|null, data: string) => void} send
   */
  constructor(room, me, send) {
    super();
    this.#room = room;
    this.#me = me;
    this.#send = send;
  }

  /** @param {FrameKey} data_key from now on */
  seal_with(data_key) {
    // A second counter for one key would repeat its nonces.
    if (this.#own?.id !== data_key.id) this.#own = new SendingKey(data_key);
  }

  /** @param {string} from @param {FrameKey} key */
  open_with(from, key) {
    if (this.#keys.has(key.id)) return;
    this.#keys.set(key.id, { from, key, heard: new Set() });
    const theirs = [...this.#keys.values()].filter((held) => held.from === from);
    for (const { key: old } of theirs.slice(0, Math.max(0, theirs.length - KEYS_PER_SENDER))) this.#keys.delete(old.id);
    const waiting = this.#held;
    this.#held = [];
    for (const { from: writer, data, until_ms } of waiting) void this.#take(writer, data, until_ms);
  }

  /** @param {string} from */
  forget(from) {
    for (const [id, held] of this.#keys) if (held.from === from) this.#keys.delete(id);
    this.#held = this.#held.filter((held) => held.from !== from);
  }

  /**
   * @param {string|null} to
   * @param {unknown} body
   * @returns {boolean} false while there is no key at all
   */
  say(to, body) {
    const own = this.#own;
    if (!own) return false;
    const words = new TextEncoder().encode(JSON.stringify({ to, body }));
    const counter = own.next_counter();
    this.#queue = this.#queue.then(async () => this.#send(to, to_base64url(await seal(own.key, counter, this.#bound(this.#me), words))));
    return true;
  }

  /** @param {string} from written by the server @param {unknown} data @param {number} now_ms */
  receive(from, data, now_ms) {
    if (typeof data === "string" && from !== this.#me) return this.#take(from, data, now_ms + HOLD_MS);
    return Promise.resolve();
  }

  /** @param {number} now_ms */
  tick(now_ms) {
    const late = this.#held.filter(({ until_ms }) => until_ms <= now_ms);
    this.#held = this.#held.filter(({ until_ms }) => until_ms > now_ms);
    for (const from of new Set(late.map((held) => held.from))) this.#emit("missing", { from });
  }

  /** @param {string} from @param {string} data @param {number} until_ms */
  async #take(from, data, until_ms) {
    const sealed = from_base64url(data);
    if (!sealed) return;
    try {
      const { key_id, counter } = decode_header(sealed);
      const held = this.#keys.get(key_id);
      if (!held) {
        this.#held = [...this.#held, { from, data, until_ms }].slice(-MAX_HELD);
        return;
      }
      if (held.from !== from || held.heard.has(counter)) return;
      const { plaintext } = await open(() => held.key, this.#bound(from), sealed);
      // The same words may have come twice while the first were opened.
      if (held.heard.has(counter)) return;
      held.heard.add(counter);
      const { to, body } = JSON.parse(new TextDecoder().decode(plaintext));
      if (to === null || to === this.#me) this.#emit("said", { from, body });
    } catch (error) {
      if (!(error instanceof SFrameError || error instanceof SyntaxError)) throw error;
    }
  }

  /** @param {string} from */
  #bound(from) {
    return new TextEncoder().encode(["telemed talk 1", this.#room, from].join("\n"));
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
