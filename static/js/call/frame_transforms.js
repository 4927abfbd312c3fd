/** The one worker of a page: encoded transforms of every connection, frame counters, and the beat. */

/** @typedef {Record<string, number>} FrameCounts frames by "send:audio", "receive:video", ... */

export class FrameTransforms extends EventTarget {
  /** @type {Worker} */
  #worker;
  /** @type {Map<number, (frames: FrameCounts) => void>} */
  #waiting = new Map();
  #next_id = 1;

  /**
   * Emits "beat" every `beat_ms`, and "trouble" when the worker cannot run: then no frame passes a transform, and
   * rather no picture than one that later would not be encrypted.
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
        this.#waiting.get(data.id)?.(data.frames);
        this.#waiting.delete(data.id);
      }
    });
    this.#worker.addEventListener("error", () => {
      this.dispatchEvent(new CustomEvent("trouble", { detail: new Error("the media worker did not start") }));
    });
    this.#worker.postMessage({ type: "beat", interval_ms: beat_ms });
  }

  /** False in browsers without encoded transforms: the call works, only nothing can be encrypted per frame. */
  static get supported() {
    return typeof RTCRtpScriptTransform === "function";
  }

  /**
   * Must be called before the first negotiation: Chromium ignores a later transform without a word.
   *
   * @param {RTCRtpSender|RTCRtpReceiver} end
   * @param {string} connection
   * @param {string} label "send:audio", "receive:video", ...
   */
  attach(end, connection, label) {
    if (FrameTransforms.supported) end.transform = new RTCRtpScriptTransform(this.#worker, { connection, label });
  }

  /** @param {string} connection @returns {Promise<FrameCounts>} */
  count(connection) {
    const id = this.#next_id++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#worker.postMessage({ type: "count", id, connection });
    });
  }

  /** @param {string} connection */
  forget(connection) {
    this.#worker.postMessage({ type: "forget", connection });
  }

  close() {
    this.#worker.terminate();
    for (const resolve of this.#waiting.values()) resolve({});
    this.#waiting.clear();
  }
}
