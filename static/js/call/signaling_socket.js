/**
 * The WebSocket to the server: hello and welcome, requests with answers, pings, and coming back by itself.
 *
 * Events (CustomEvents): "welcome", "state", "signal", "ack", "sfu" (detail: the message), "up" and "down" (null),
 * "refused" (detail: the `error` message), "closed" (detail {code, reason}): final, nothing follows.
 *
 * @import { Message } from "../lib/protocol.js"
 */

import { backoff_ms } from "../lib/backoff.js";
import { final_close_reason, hello, parse, ping, SFU_MESSAGES, socket_lookup_path } from "../lib/protocol.js";

const PING_EVERY_MS = 10_000;
/** A socket that stays silent this long after a ping is dead, whatever TCP believes. */
const PONG_WITHIN_MS = 8_000;
const PROBE_WITHIN_MS = 1_500;

/** A request the server refused, or that can never be answered any more (`closed`). */
export class RequestError extends Error {
  /** @param {string} code @param {string} message a sentence for the person, may be empty */
  constructor(code, message) {
    super(message || code);
    this.code = code;
  }
}

export class SignalingSocket extends EventTarget {
  /** @type {WebSocket|null} */
  #socket = null;
  /** @type {Map<string, {message: Message, resolve: (reply: Message) => void, reject: (error: RequestError) => void}>} */
  #requests = new Map();
  #ready = false;
  #final = false;
  #attempt = 0;
  #rev = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #retry_timer;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #silence_timer;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #ping_timer;
  #come_back = () => this.#hurry();

  /** @param {{ws_url: string, page_id: string}} options */
  constructor({ ws_url, page_id }) {
    super();
    this.ws_url = ws_url;
    this.page_id = page_id;
  }

  /** True between welcome and the end of the socket. */
  get is_up() {
    return this.#ready;
  }

  open() {
    globalThis.addEventListener("online", this.#come_back);
    this.#ping_timer = setInterval(() => this.#ping(PONG_WITHIN_MS), PING_EVERY_MS);
    this.#connect();
  }

  /** @param {Message} message @returns {boolean} false when there is no socket now; nothing is queued */
  send(message) {
    if (!this.#ready || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * Resolves with the server's reply. Sent again after a reconnect; the server does it once (same id).
   *
   * @param {string} type
   * @param {Record<string, unknown>} [payload]
   * @returns {Promise<Message>} rejects with RequestError
   */
  request(type, payload = {}) {
    if (this.#final) return Promise.reject(new RequestError("closed", ""));
    const id = crypto.randomUUID();
    const message = { ...payload, type, id };
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { message, resolve, reject });
      this.send(message);
    });
  }

  /** Asks for a sign of life now: a socket on a network that is gone is replaced in seconds, not in half a minute. */
  probe() {
    this.#ping(PROBE_WITHIN_MS);
  }

  /**
   * Comes back as a new page: to the peer this is what a reload is, the reason to make a new connection.
   *
   * @param {string} page_id
   */
  renew(page_id) {
    this.page_id = page_id;
    if (this.#final) return;
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    clearTimeout(this.#silence_timer);
    clearTimeout(this.#retry_timer);
    this.#retry_timer = undefined;
    socket?.close();
    this.#connect();
  }

  close() {
    this.#finish(1000, "left");
  }

  #connect() {
    const socket = new WebSocket(this.ws_url);
    this.#socket = socket;
    socket.addEventListener("open", () => socket.send(JSON.stringify(hello(this.page_id, this.#rev))));
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket) this.#receive(parse(data));
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket) this.#lost(code);
    });
  }

  /** @param {Message|null} message */
  #receive(message) {
    if (!message) return;
    clearTimeout(this.#silence_timer);
    this.#silence_timer = undefined;
    switch (message.type) {
      case "welcome":
        this.#ready = true;
        this.#attempt = 0;
        this.#rev = message.rev;
        this.#emit("welcome", message);
        this.#emit("up", null);
        for (const { message: request } of this.#requests.values()) this.send(request);
        break;
      case "state":
        // The relay may swap two of them; presence changes without a new revision.
        if (message.rev < this.#rev) return;
        this.#rev = message.rev;
        this.#emit("state", message);
        break;
      case "reply":
        this.#settle(message);
        break;
      case "signal":
      case "ack":
      case "notice":
        this.#emit(message.type, message);
        break;
      case "error":
        this.#emit("refused", message);
        break;
      case "moved": // the server closes next, and the way back leads there
        this.ws_url = message.ws_url;
        break;
      default:
        if (SFU_MESSAGES.includes(message.type)) this.#emit("sfu", message);
    }
  }

  /** @param {Message} reply */
  #settle(reply) {
    const request = this.#requests.get(reply.id);
    if (!request) return;
    this.#requests.delete(reply.id);
    if (reply.ok) request.resolve(reply);
    else request.reject(new RequestError(reply.error?.code ?? "refused", reply.error?.message ?? ""));
  }

  /** @param {number} within_ms */
  #ping(within_ms) {
    if (!this.send(ping(this.#rev))) return;
    clearTimeout(this.#silence_timer);
    this.#silence_timer = setTimeout(() => this.#abandon(), within_ms);
  }

  /** close() on a dead network waits for an answer that never comes: forget the socket at once. */
  #abandon() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#lost(1006);
  }

  /** The network says it is back: try now instead of after the pause. */
  #hurry() {
    this.#attempt = 0;
    if (this.#ready) this.probe();
    else if (this.#retry_timer !== undefined) this.#retry(0);
  }

  /** @param {number} code */
  #lost(code) {
    const was_ready = this.#ready;
    this.#ready = false;
    clearTimeout(this.#silence_timer);
    if (this.#final) return;
    const reason = final_close_reason(code);
    if (reason) {
      this.#finish(code, reason);
      return;
    }
    if (was_ready) this.#emit("down", null);
    if (this.#attempt > 0) void this.#ask_the_way();
    this.#retry(backoff_ms(this.#attempt));
    this.#attempt += 1;
  }

  /** The visit may be served elsewhere by now. Nobody waits for the answer: the next attempt takes it if it is there. */
  async #ask_the_way() {
    const path = socket_lookup_path(this.ws_url);
    if (!path) return;
    try {
      const answer = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.ok) this.ws_url = (await answer.json()).ws_url;
    } catch {
      // The pages are away too.
    }
  }

  /** @param {number} delay_ms */
  #retry(delay_ms) {
    clearTimeout(this.#retry_timer);
    this.#retry_timer = setTimeout(() => {
      this.#retry_timer = undefined;
      this.#connect();
    }, delay_ms);
  }

  /** @param {number} code @param {string} reason */
  #finish(code, reason) {
    if (this.#final) return;
    this.#final = true;
    this.#ready = false;
    globalThis.removeEventListener("online", this.#come_back);
    clearInterval(this.#ping_timer);
    clearTimeout(this.#retry_timer);
    clearTimeout(this.#silence_timer);
    this.#socket?.close();
    for (const { reject } of this.#requests.values()) reject(new RequestError("closed", ""));
    this.#requests.clear();
    this.#emit("closed", { code, reason });
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
