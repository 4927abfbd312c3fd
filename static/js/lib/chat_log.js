/**
 * The chat of one visit, kept only in the pages of the people in it. Either page can hand it to the other after a
 * reload, so merging is by id and the result is the same whoever goes first.
 *
 * @typedef {{id: string, from: string, at_ms: number, text: string}} ChatMessage at_ms: the writer's wall clock
 */

export const MAX_TEXT_LENGTH = 4000;
export const MAX_MESSAGES = 500;

export class ChatLog {
  /** @type {Map<string, ChatMessage>} */
  #by_id = new Map();

  /** @returns {ChatMessage[]} oldest first */
  get messages() {
    return [...this.#by_id.values()].sort((a, b) => a.at_ms - b.at_ms || (a.id < b.id ? -1 : 1));
  }

  /**
   * Adds a message. False when it is known already, malformed, or the log is full.
   *
   * @param {unknown} candidate
   * @returns {candidate is ChatMessage}
   */
  add(candidate) {
    if (typeof candidate !== "object" || candidate === null) return false;
    const { id, from, at_ms, text } = /** @type {Partial<ChatMessage>} */ (candidate);
    if (typeof id !== "string" || id === "" || id.length > 64) return false;
    if (typeof from !== "string" || from.length > 64 || typeof at_ms !== "number" || !Number.isFinite(at_ms)) return false;
    if (typeof text !== "string" || text === "" || text.length > MAX_TEXT_LENGTH) return false;
    if (this.#by_id.has(id) || this.#by_id.size >= MAX_MESSAGES) return false;
    this.#by_id.set(id, { id, from, at_ms, text });
    return true;
  }
}
