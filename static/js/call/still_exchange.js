/**
 * One picture from one page to another over whichever path stands: asked for, agreed to, taken, sent in parts, whole.
 *
 *   asker   ask ⟳ ─────────────────▶ seen · no · off        every step may be lost, so the asker repeats its question until
 *           take ◀──── head, part… ─                        an answer comes, and the taker then says what it misses
 *           need ⟳ ─▶          got ─▶
 *
 * The media server passes on sealed bytes; nothing is kept here or there.
 *
 * Events (CustomEvents): of whoever is asked "asked" ({from, id}), "withdrawn" (null), "sent" (null); of whoever asks "seen",
 * "refused" ({why: "no"|"off"}), "progress" ({share}), "picture" ({from, id, blob, width, height}); of both "failed" (null).
 *
 * @import { CallClient } from "./call_client.js"
 *
 * @typedef {{peer: string, id: string, receiver: StillReceiver|null, answered: boolean, heard_ms: number, grew_ms: number}} Asking
 */

import { from_base64url, to_base64url } from "../lib/base64url.js";
import { readable_head, StillReceiver, StillSender } from "../lib/still_parts.js";

const REPEAT_MS = 2000;
/** Nothing heard of the other page for so long: given up. */
const SILENCE_MS = 45_000;

export class StillExchange extends EventTarget {
  /** @type {Asking|null} */
  #asking = null;
  /** @type {{peer: string, id: string, answer: ""|"seen"|"no"|"off", sender: StillSender|null, heard_ms: number}|null} */
  #asked = null;
  #pumping = false;
  #done = "";

  /** @param {CallClient} client @param {(id: string) => boolean} may_ask whose questions are heard at all */
  constructor(client, may_ask) {
    super();
    this.client = client;
    this.may_ask = may_ask;
    this.timer = setInterval(() => this.tick(performance.now()), REPEAT_MS);
    this.client.addEventListener("still", this.#on_still);
  }

  close() {
    clearInterval(this.timer);
    this.client.removeEventListener("still", this.#on_still);
  }

  /** @param {string} peer */
  ask(peer) {
    const now_ms = performance.now();
    const id = crypto.randomUUID();
    this.#asking = { peer, id, receiver: null, answered: false, heard_ms: now_ms, grew_ms: now_ms };
    this.#say(peer, { step: "ask", id });
  }

  /** The asker does not want it any more. */
  cancel() {
    if (this.#asking) this.#say(this.#asking.peer, { step: "cancel", id: this.#asking.id });
    this.#asking = null;
  }

  /** @param {"no"|"off"} why off: there is no camera to take it with */
  refuse(why) {
    if (!this.#asked) return;
    this.#asked.answer = why;
    this.#say(this.#asked.peer, { step: why, id: this.#asked.id });
  }

  /** @param {{blob: Blob, width: number, height: number}} still */
  async send({ blob, width, height }) {
    const asked = this.#asked;
    if (!asked) return;
    const content = new Uint8Array(await blob.arrayBuffer());
    const digest = await fingerprint(content);
    const part_bytes = this.client.still_part_bytes;
    if (part_bytes === 0) {
      this.#fail();
      return;
    }
    asked.sender = new StillSender(content, { id: asked.id, bytes: content.length, part_bytes, width, height, digest });
    asked.heard_ms = performance.now();
    this.#say(asked.peer, { step: "head", ...asked.sender.head });
    void this.#pump();
  }

  #on_still = (/** @type {Event} */ event) => {
    const { from, message } = /** @type {CustomEvent} */ (event).detail;
    if (typeof message !== "object" || message === null || typeof message.id !== "string") return;
    const [asking, asked] = [this.#asking, this.#asked];
    if (asking && asking.peer === from && asking.id === message.id) void this.#hear_answer(message);
    else if (asked && asked.peer === from && asked.id === message.id) this.#hear_asker(message);
    else if (message.step === "ask" && this.may_ask(from) && message.id !== this.#done) this.#take_question(from, message.id);
    else if (message.step === "part" && message.id === this.#done) this.#say(from, { step: "got", id: message.id });
  };

  /** @param {string} peer @param {string} id */
  #take_question(peer, id) {
    this.#asked = { peer, id, answer: "seen", sender: null, heard_ms: performance.now() };
    this.#say(peer, { step: "seen", id });
    this.#emit("asked", { from: peer, id });
  }

  /** @param {any} message */
  #hear_asker(message) {
    const asked = this.#asked;
    if (!asked) return;
    asked.heard_ms = performance.now();
    if (message.step === "ask" && !asked.sender) this.#say(asked.peer, { step: asked.answer, id: asked.id });
    if (message.step === "ask" && asked.sender) this.#say(asked.peer, { step: "head", ...asked.sender.head });
    if (message.step === "need" && asked.sender) {
      asked.sender.need(message.numbers);
      void this.#pump();
    }
    if (message.step === "got") this.#end_asked("sent");
    if (message.step === "cancel") this.#end_asked("withdrawn");
  }

  /** @param {"sent"|"withdrawn"} how */
  #end_asked(how) {
    this.#done = this.#asked?.id ?? "";
    this.#asked = null;
    this.#emit(how, null);
  }

  /** @param {any} message */
  async #hear_answer(message) {
    const asking = this.#asking;
    if (!asking) return;
    asking.heard_ms = performance.now();
    if (message.step === "seen" && !asking.answered) {
      asking.answered = true;
      this.#emit("seen", null);
    }
    if (message.step === "no" || message.step === "off") {
      this.#asking = null;
      this.#emit("refused", { why: message.step });
    }
    if (message.step === "head" && !asking.receiver) {
      const head = readable_head(message);
      if (head) asking.receiver = new StillReceiver(head);
    }
    if (message.step === "part") await this.#take_part(asking, message);
  }

  /** @param {Asking} asking @param {any} message */
  async #take_part(asking, message) {
    const { receiver } = asking;
    const data = typeof message.data === "string" ? from_base64url(message.data) : null;
    if (!receiver?.take(message.n, data)) return;
    asking.grew_ms = asking.heard_ms;
    this.#emit("progress", { share: receiver.progress });
    const { content, head } = receiver;
    if (!content) return;
    this.#asking = null;
    this.#done = asking.id;
    if ((await fingerprint(content)) !== head.digest) {
      this.#say(asking.peer, { step: "cancel", id: asking.id });
      this.#fail();
      return;
    }
    this.#say(asking.peer, { step: "got", id: asking.id });
    this.#emit("picture", { from: asking.peer, id: asking.id, blob: new Blob([/** @type {BlobPart} */ (content)], { type: "image/jpeg" }), width: head.width, height: head.height });
  }

  /** Sends what is to be sent, as fast as the path takes it. */
  async #pump() {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let asked = this.#asked; asked?.sender; asked = this.#asked) {
        const part = asked.sender.next();
        if (!part) break;
        const left = await this.client.send_still(asked.peer, { step: "part", id: asked.id, n: part.n, data: to_base64url(part.data) });
        if (left) continue;
        // The path is away; the asker says what it misses when there is one again.
        asked.sender.put_back(part.n);
        break;
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** @param {number} now_ms */
  tick(now_ms) {
    const asking = this.#asking;
    if (asking) {
      if (asking.receiver && now_ms - asking.grew_ms >= REPEAT_MS) this.#say(asking.peer, { step: "need", id: asking.id, numbers: asking.receiver.missing });
      if (!asking.receiver) this.#say(asking.peer, { step: "ask", id: asking.id });
      if (now_ms - asking.heard_ms > SILENCE_MS) this.#fail();
    }
    if (this.#asked && now_ms - this.#asked.heard_ms > SILENCE_MS) this.#fail();
  }

  #fail() {
    this.#asking = null;
    this.#asked = null;
    this.#emit("failed", null);
  }

  /** @param {string} peer @param {Record<string, unknown>} message */
  #say(peer, message) {
    void this.client.send_still(peer, message);
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {Uint8Array} content */
async function fingerprint(content) {
  return to_base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (content))));
}
