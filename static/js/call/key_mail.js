/** Collects what is said about keys to the same person at the same time: the server counts messages and limits their size. */

/** The server relays 4096 bytes, and all of this is ASCII. */
const MAX_LETTER_CHARS = 3800;

export class KeyMail {
  #send;
  /** @type {Map<string, Record<string, unknown>[]>} */
  #waiting = new Map();

  /** @param {(to: string, keys: {items: Record<string, unknown>[]}) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {string} to @param {Record<string, unknown>} item */
  post(to, item) {
    if (this.#waiting.size === 0) setTimeout(() => this.#deliver(), 0);
    this.#waiting.set(to, [...(this.#waiting.get(to) ?? []), item]);
  }

  #deliver() {
    const letters = this.#waiting;
    this.#waiting = new Map();
    for (const [to, items] of letters) {
      /** @type {Record<string, unknown>[]} */
      let page = [];
      let size = 0;
      for (const item of items) {
        const item_size = JSON.stringify(item).length;
        if (size + item_size > MAX_LETTER_CHARS && page.length > 0) {
          this.#send(to, { items: page });
          [page, size] = [[], 0];
        }
        page.push(item);
        size += item_size;
      }
      this.#send(to, { items: page });
    }
  }
}
