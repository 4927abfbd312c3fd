/**
 * The two negotiated data channels to a peer. "sealed" (id 0, ordered, reliable) carries chat and the state of each
 * other's devices; nothing of it ever passes a server. "heartbeat" (id 1, unordered, never repeated) carries beats:
 * a beat that comes late says nothing, so it is not worth repeating.
 *
 * @import { ChatMessage } from "../lib/chat_log.js"
 * @import { MediaState } from "../lib/media_state.js"
 */

import { MAX_MESSAGES } from "../lib/chat_log.js";
import { history_pages } from "../lib/chat_share.js";
import { media_state } from "../lib/media_state.js";

const MAX_MESSAGE_LENGTH = 64_000;
const MAX_BUFFERED_BYTES = 64_000;

/** Emits "open", "beat", "media" (detail MediaState), "verified", "moved" (detail: engine the peer shows now), "chat" (detail: unchecked message), "still" (detail: unchecked, of a picture in parts), "history" (detail: array). */
export class PeerChannels extends EventTarget {
  #sealed;
  #heartbeat;
  #beats = 0;

  /** @param {{create_channel: (label: string, init: RTCDataChannelInit) => RTCDataChannel}} connection */
  constructor(connection) {
    super();
    this.#sealed = connection.create_channel("sealed", { negotiated: true, id: 0, ordered: true });
    this.#heartbeat = connection.create_channel("heartbeat", { negotiated: true, id: 1, ordered: false, maxRetransmits: 0 });
    this.#sealed.addEventListener("open", () => this.dispatchEvent(new Event("open")));
    this.#sealed.addEventListener("message", ({ data }) => this.#receive(data));
    this.#heartbeat.addEventListener("message", () => this.dispatchEvent(new Event("beat")));
  }

  get is_open() {
    return this.#sealed.readyState === "open";
  }

  beat() {
    // Beats that pile up behind a dead path would arrive in one burst and say "alive" too late.
    if (this.#heartbeat.readyState === "open" && this.#heartbeat.bufferedAmount === 0) {
      this.#heartbeat.send(String(++this.#beats));
    }
  }

  /** @param {MediaState} state */
  send_media(state) {
    this.#send({ kind: "media", ...state });
  }

  send_verified() {
    this.#send({ kind: "verified" });
  }

  /** @param {string} engine whose media this page shows now */
  send_moved(engine) {
    this.#send({ kind: "moved", engine });
  }

  /** @param {ChatMessage} message @returns {boolean} false when there is no connection to send it over now */
  send_chat(message) {
    return this.#send({ kind: "chat", message });
  }

  /** @param {ChatMessage[]} messages */
  send_history(messages) {
    for (const page of history_pages(messages)) this.#send({ kind: "history", messages: page });
  }

  /** @param {Record<string, unknown>} still @returns {Promise<boolean>} when there is room for more; false: it did not leave */
  async send_still(still) {
    if (!this.#send({ kind: "still", still })) return false;
    if (this.#sealed.bufferedAmount <= MAX_BUFFERED_BYTES) return true;
    // What waits here waits before chat and the state of devices, and delays the beats.
    this.#sealed.bufferedAmountLowThreshold = MAX_BUFFERED_BYTES;
    const stop = new AbortController();
    await new Promise((done) => {
      for (const type of ["bufferedamountlow", "close"]) this.#sealed.addEventListener(type, done, { signal: stop.signal });
    });
    stop.abort();
    return this.is_open;
  }

  /** @param {object} message */
  #send(message) {
    if (!this.is_open) return false;
    this.#sealed.send(JSON.stringify(message));
    return true;
  }

  /** @param {unknown} data from the peer: trusted to be nothing in particular */
  #receive(data) {
    if (typeof data !== "string" || data.length > MAX_MESSAGE_LENGTH) return;
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof message !== "object" || message === null) return;
    if (message.kind === "media") this.#emit("media", media_state(message));
    else if (message.kind === "verified") this.#emit("verified", null);
    else if (message.kind === "moved") this.#emit("moved", message.engine);
    else if (message.kind === "chat") this.#emit("chat", message.message);
    else if (message.kind === "still") this.#emit("still", message.still);
    else if (message.kind === "history" && Array.isArray(message.messages)) {
      this.#emit("history", message.messages.slice(0, MAX_MESSAGES));
    }
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
