/**
 * A picture in parts: cut here, put together there. Parts may be lost, doubled and reordered on the way (REL-5); the
 * receiver says which are missing until it has them all, so whoever sends needs no timer.
 *
 * @typedef {object} StillHead what is known of a picture before it comes
 * @property {string} id
 * @property {number} bytes
 * @property {number} part_bytes
 * @property {number} width
 * @property {number} height
 * @property {string} digest SHA-256 of the whole, base64url
 */

/** A 4K picture is 3 MB; more memory than this nobody gets for asking. */
export const MAX_STILL_BYTES = 8 * 1024 * 1024;
export const MAX_PART_BYTES = 30_000;
const MIN_PART_BYTES = 1000;
/** In one "need". */
const MAX_NAMED = 64;
const ID = /^[A-Za-z0-9-]{8,36}$/;
const DIGEST = /^[A-Za-z0-9_-]{43}$/;

/** @param {{bytes: number, part_bytes: number}} head */
export function count_parts({ bytes, part_bytes }) {
  return Math.ceil(bytes / part_bytes);
}

/** @param {any} head from another page: trusted to be nothing in particular @returns {StillHead|null} */
export function readable_head(head) {
  const { id, bytes, part_bytes, width, height, digest } = head ?? {};
  /** @param {unknown} value @param {number} low @param {number} high */
  const within = (value, low, high) => Number.isInteger(value) && /** @type {number} */ (value) >= low && /** @type {number} */ (value) <= high;
  const sound = typeof id === "string" && ID.test(id) && typeof digest === "string" && DIGEST.test(digest)
    && within(bytes, 1, MAX_STILL_BYTES) && within(part_bytes, MIN_PART_BYTES, MAX_PART_BYTES) && within(width, 1, 20_000) && within(height, 1, 20_000);
  return sound ? { id, bytes, part_bytes, width, height, digest } : null;
}

export class StillSender {
  /** @type {number[]} */
  #queue;

  /** @param {Uint8Array} content @param {StillHead} head */
  constructor(content, head) {
    this.content = content;
    this.head = head;
    this.parts = count_parts(head);
    this.#queue = Array.from({ length: this.parts }, (_, number) => number);
  }

  /** @returns {{n: number, data: Uint8Array}|null} null: nothing is to be sent now */
  next() {
    const n = this.#queue.shift();
    if (n === undefined) return null;
    const start = n * this.head.part_bytes;
    return { n, data: this.content.subarray(start, start + this.head.part_bytes) };
  }

  /** What the receiver misses, and is not on its way already. @param {unknown} numbers */
  need(numbers) {
    if (!Array.isArray(numbers)) return;
    for (const n of numbers.slice(0, MAX_NAMED)) {
      if (Number.isInteger(n) && n >= 0 && n < this.parts && !this.#queue.includes(n)) this.#queue.push(n);
    }
  }

  /** A part that did not leave. @param {number} n */
  put_back(n) {
    this.#queue.unshift(n);
  }
}

export class StillReceiver {
  #content;
  /** @type {Set<number>} */
  #missing;

  /** @param {StillHead} head as `readable_head` gave it */
  constructor(head) {
    this.head = head;
    this.parts = count_parts(head);
    this.#content = new Uint8Array(head.bytes);
    this.#missing = new Set(Array.from({ length: this.parts }, (_, number) => number));
  }

  /** @returns {Uint8Array|null} the whole picture; null while something is missing */
  get content() {
    return this.#missing.size === 0 ? this.#content : null;
  }

  /** 0 to 1. */
  get progress() {
    return 1 - this.#missing.size / this.parts;
  }

  /** The first of what is missing. @returns {number[]} */
  get missing() {
    return [...this.#missing].slice(0, MAX_NAMED);
  }

  /** @param {unknown} n @param {Uint8Array|null} data @returns {boolean} whether it was new and fits */
  take(n, data) {
    if (typeof n !== "number" || !this.#missing.has(n) || data === null) return false;
    const start = n * this.head.part_bytes;
    if (data.length !== Math.min(this.head.part_bytes, this.head.bytes - start)) return false;
    this.#content.set(data, start);
    return this.#missing.delete(n);
  }
}
