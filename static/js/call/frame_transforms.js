/**
 * The one worker of a page: encoded transforms of every connection, their encryption, frame counters, and the beat.
 *
 * @import { FrameKey } from "../lib/sframe.js"
 * @import { KindCounts } from "../lib/wire_frames.js"
 * @typedef {Record<string, number>} FrameCounts frames by "send:audio", "receive:video", ...
 * @typedef {{sealed: number, opened: number, clear: number, unsealed: number, unopened: number, stranger: number}} CryptoCounts
 *   frames of a connection: sealed and sent, opened and shown, carried in clear, not sent for want of a key, not shown for
 *   want of one, not shown because it is another person's
 * @typedef {{frames: FrameCounts, crypto: CryptoCounts, seen: KindCounts, wire: KindCounts}} Counted seen: by the worker;
 *   wire: what the browser itself says that it encoded, sent, received and decoded
 */

import { wire_frames } from "../lib/wire_frames.js";

/** @type {Counted} */
export const NOTHING_COUNTED = {
  frames: {}, crypto: { sealed: 0, opened: 0, clear: 0, unsealed: 0, unopened: 0, stranger: 0 }, seen: {}, wire: {},
};

export class FrameTransforms extends EventTarget {
  /** @type {Worker} */
  #worker;
  /** @type {Map<number, (counted: Omit<Counted, "wire">) => void>} */
  #waiting = new Map();
  #next_id = 1;

  /**
   * Emits "beat" every `beat_ms`, and "trouble" when the worker cannot run: then no frame passes a transform, and
   * rather no picture than one that is not encrypted.
   *
   * @param {string} worker_url
   * @param {number} beat_ms
   */
  constructor(worker_url, beat_ms) {
    super();
    this.#worker = new Worker(worker_url, { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => {
      if (data.type === "beat") {
        this.dispatchEvent(new Event("beat"));
      } else if (data.type === "counted") {
        this.#waiting.get(data.id)?.(data);
        this.#waiting.delete(data.id);
      }
    });
    this.#worker.addEventListener("error", () => {
      this.dispatchEvent(new CustomEvent("trouble", { detail: new Error("the media worker did not start") }));
    });
    this.#worker.postMessage({ type: "beat", interval_ms: beat_ms });
  }

  /** False in browsers without encoded transforms: they cannot encrypt frames. */
  static get supported() {
    return typeof RTCRtpScriptTransform === "function";
  }

  /**
   * Must be called before the first negotiation: Chromium ignores a later transform without a word.
   *
   * @param {RTCRtpSender|RTCRtpReceiver} end
   * @param {string} connection
   * @param {string} label "send:audio", "receive:video", ...
   * @param {string} [slot] tells several ends with one label apart
   */
  attach(end, connection, label, slot = "") {
    if (FrameTransforms.supported) end.transform = new RTCRtpScriptTransform(this.#worker, { connection, label, slot });
  }

  /**
   * Whose frames this end may show. "": nobody said yet, anybody's that opens.
   *
   * @param {string} connection
   * @param {string} label
   * @param {string} from
   * @param {string} [slot]
   */
  expect(connection, label, from, slot = "") {
    this.#worker.postMessage({ type: "expect", connection, label, slot, from });
  }

  /** From now on nothing ever leaves this page in clear, whatever anybody says. */
  require() {
    this.#worker.postMessage({ type: "require" });
  }

  /** For a visit with a browser that cannot encrypt. Does nothing once `require` was said. */
  allow_clear() {
    this.#worker.postMessage({ type: "allow_clear" });
  }

  /** @param {FrameKey} key @param {boolean} key_frames somebody new can only begin with a key frame */
  send_with(key, key_frames) {
    this.#worker.postMessage({ type: "sending", key, key_frames });
  }

  /** @param {string} from @param {FrameKey} key */
  receive_with(from, key) {
    this.#worker.postMessage({ type: "receiving", from, key });
  }

  /** @param {string} from */
  forget_sender(from) {
    this.#worker.postMessage({ type: "forget_sender", from });
  }

  /**
   * A connection that was interrupted carries again. Chromium waits 3 s for a frame before it asks for one that it can begin
   * with, and 3 s more when that request was lost with the rest.
   *
   * @param {string} connection
   */
  ask_for_key_frames(connection) {
    this.#worker.postMessage({ type: "key_frames", connection });
  }

  /**
   * @param {string} connection
   * @param {{get_stats: () => Promise<RTCStatsReport>}} rtc the same connection, as the browser sees it
   * @returns {Promise<Counted>} since the connection was made
   */
  async count(connection, rtc) {
    // The browser first: what it has counted, the worker has seen by the time that it is asked.
    const wire = wire_frames((await rtc.get_stats()).values());
    const id = this.#next_id++;
    /** @type {Omit<Counted, "wire">} */
    const counted = await new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#worker.postMessage({ type: "count", id, connection });
    });
    return { ...counted, wire };
  }

  /** @param {string} connection */
  forget(connection) {
    this.#worker.postMessage({ type: "forget", connection });
  }

  close() {
    this.#worker.terminate();
    for (const resolve of this.#waiting.values()) resolve(NOTHING_COUNTED);
    this.#waiting.clear();
  }
}
