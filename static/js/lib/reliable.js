/**
 * An ordered, acknowledged stream over a relay that loses, doubles and swaps messages (REL-5).
 *
 *   push ─▶ ReliableSender ─ signal(seq) ─▶ relay ─▶ ReliableReceiver ─▶ bodies, in order, once
 *                 ▲                                          │
 *                 └────────────── ack(highest contiguous) ◀──┘
 *
 * Both are pure: time is passed in, and whoever owns the timer sends what `due` returns.
 */

import { backoff_ms } from "./backoff.js";

/** More than this out of order is no reordering but a broken or hostile peer; it is dropped and repeated later. */
export const MAX_HELD = 256;

/** Shorter connects sooner over a bad relay, longer keeps clear of the server's 20 messages a second. */
const REPEAT = { first_ms: 250, max_ms: 2000, random: () => 1 };

/** One lost message keeps all behind it unacknowledged, though they arrived: only the oldest are worth repeating. */
const REPEATED_AT_ONCE = 4;

/**
 * @template Body
 */
export class ReliableSender {
  /** @type {Map<number, {body: Body, attempts: number, sent_ms: number, due_ms: number}>} */
  #unacked = new Map();
  #last_seq = 0;

  /** @param {string} stream */
  constructor(stream) {
    this.stream = stream;
  }

  get unacked_count() {
    return this.#unacked.size;
  }

  /** @param {Body} body */
  push(body) {
    this.#last_seq += 1;
    this.#unacked.set(this.#last_seq, { body, attempts: 0, sent_ms: -Infinity, due_ms: -Infinity });
  }

  /**
   * Everything up to `seq` has arrived. Ignores foreign streams and numbers never sent.
   *
   * @param {string} stream
   * @param {number} seq
   */
  acknowledge(stream, seq) {
    if (stream !== this.stream || seq > this.#last_seq) return;
    for (const [sent, entry] of this.#unacked) {
      if (sent <= seq) {
        this.#unacked.delete(sent);
        continue;
      }
      // The peer is there and waits for this one: it was lost, so its long pauses are in vain.
      entry.attempts = Math.min(entry.attempts, 1);
      entry.due_ms = Math.min(entry.due_ms, entry.sent_ms + REPEAT.first_ms);
      break;
    }
  }

  /**
   * What must be sent now, in order: new bodies at once, unacknowledged ones again with growing pauses.
   *
   * @param {number} now_ms
   * @returns {{seq: number, body: Body}[]}
   */
  due(now_ms) {
    const batch = [];
    let place = 0;
    for (const [seq, entry] of this.#unacked) {
      place += 1;
      if (entry.due_ms > now_ms || (entry.attempts > 0 && place > REPEATED_AT_ONCE)) continue;
      batch.push({ seq, body: entry.body });
      entry.sent_ms = now_ms;
      entry.due_ms = now_ms + backoff_ms(entry.attempts, REPEAT);
      entry.attempts += 1;
    }
    return batch;
  }

  /** After a reconnect nothing is known of what arrived: everything unacknowledged is due at once. */
  repeat_all() {
    for (const entry of this.#unacked.values()) {
      entry.attempts = 0;
      entry.due_ms = -Infinity;
    }
  }
}

/**
 * @template Body
 */
export class ReliableReceiver {
  /** @type {Map<number, Body>} */
  #held = new Map();
  #stream = "";
  #contiguous = 0;

  /** @param {string} [stream] */
  constructor(stream = "") {
    this.#stream = stream;
  }

  get stream() {
    return this.#stream;
  }

  get held_count() {
    return this.#held.size;
  }

  /** The number to acknowledge: all up to here were delivered. */
  get contiguous() {
    return this.#contiguous;
  }

  /**
   * The bodies that can be delivered now, in order. A stream id never seen before starts again at 1.
   *
   * @param {string} stream
   * @param {number} seq
   * @param {Body} body
   * @returns {Body[]}
   */
  receive(stream, seq, body) {
    if (!Number.isSafeInteger(seq) || seq < 1) return [];
    if (stream !== this.#stream) {
      this.#stream = stream;
      this.#contiguous = 0;
      this.#held.clear();
    }
    if (seq <= this.#contiguous || seq > this.#contiguous + MAX_HELD) return [];
    this.#held.set(seq, body);
    const deliverable = [];
    for (;;) {
      const next = this.#contiguous + 1;
      if (!this.#held.has(next)) return deliverable;
      deliverable.push(/** @type {Body} */ (this.#held.get(next)));
      this.#held.delete(next);
      this.#contiguous = next;
    }
  }
}
