/**
 * Carries every encoded frame of a page, seals what leaves and opens what comes (lib/frame_crypto.js), and counts.
 * The counters are the only proof of encryption: Chromium silently ignores a transform that was attached too late,
 * and then media goes out in clear. So the page's badge follows them, never an attribute.
 *
 * Rather no frame than a wrong one: nothing leaves without a key, and nothing is shown that does not open with a key of
 * the person whose tile it is for. Only `allow_clear` changes that, and only while nobody said `require`, which is never
 * unsaid: a server cannot talk a page out of it.
 *
 * Also beats time for the heartbeat, because a hidden page's own timers are slowed to one a second.
 *
 * Messages in: beat {interval_ms} · require · allow_clear · sending {key, key_frames} · receiving {from, key} ·
 * forget_sender {from} · expect {connection, label, slot, from} · count {id, connection} · forget {connection}.
 * Messages out: beat · counted {id, frames, crypto, seen}.
 *
 * @import { FrameKind } from "../lib/frame_crypto.js"
 * @typedef {{data: ArrayBuffer, type?: string}} EncodedFrame
 * @typedef {{options: {connection: string, label: string, slot: string}, readable: ReadableStream<EncodedFrame>, writable: WritableStream<EncodedFrame>,
 *   generateKeyFrame?: () => Promise<unknown>, sendKeyFrameRequest?: () => Promise<unknown>}} Transformer
 * @typedef {{sealed: number, opened: number, clear: number, unsealed: number, unopened: number, stranger: number}} CryptoCounts
 *   frames: sealed and sent, opened and shown, carried in clear, not sent for want of a key, not shown for want of
 *   one, not shown because another person's key opened it
 */

import { open_frame, seal_frame } from "../lib/frame_crypto.js";
import { KeyRing } from "../lib/key_ring.js";
import { SFrameError } from "../lib/sframe.js";

const ring = new KeyRing();
let required = false;
let clear_allowed = false;

/** Asking again sooner would only make the picture larger. */
const KEY_FRAME_GAP_MS = 500;

/** One end of one connection. */
class Pipe {
  /** Whatever came in, carried or not: what a browser sends or shows besides is not ours (lib/wire_frames.js). */
  seen = 0;
  frames = 0;
  /** @type {CryptoCounts} */
  crypto = { sealed: 0, opened: 0, clear: 0, unsealed: 0, unopened: 0, stranger: 0 };
  /** Whose frames may pass, or "" when nobody said yet. */
  expected = "";
  #blocked = false;
  #asked_ms = -Infinity;

  /** @param {Transformer} transformer */
  constructor(transformer) {
    const { readable, writable, options } = transformer;
    this.transformer = transformer;
    this.label = options.label;
    this.sends = options.label.startsWith("send:");
    /** @type {FrameKind} */
    this.kind = options.label.endsWith(":audio") ? "audio" : "video";
    this.stream = new TransformStream({
      /** @param {EncodedFrame} frame @param {TransformStreamDefaultController<EncodedFrame>} controller */
      transform: async (frame, controller) => {
        this.seen += 1;
        if (this.sends ? await this.#seal(frame) : await this.#open(frame)) {
          this.frames += 1;
          controller.enqueue(frame);
        }
      },
    });
    // Chromium collects a transformer, or a pipe whose ends nobody holds, as garbage while frames are still to come.
    this.held = [readable, writable];
    // The pipe ends with an error when its sender or receiver goes away; nobody is left who could want the frames.
    this.done = readable.pipeThrough(this.stream).pipeTo(writable).catch(() => {});
  }

  /** @param {EncodedFrame} frame @returns {Promise<boolean>} whether it may leave */
  async #seal(frame) {
    const { sending } = ring;
    if (!sending) {
      if (clear_allowed) this.crypto.clear += 1;
      else this.crypto.unsealed += 1;
      return clear_allowed;
    }
    try {
      frame.data = (await seal_frame(sending, this.kind, new Uint8Array(frame.data))).buffer;
      this.crypto.sealed += 1;
      return true;
    } catch (error) {
      if (!(error instanceof SFrameError)) throw error;
      this.crypto.unsealed += 1;
      return false;
    }
  }

  /** @param {EncodedFrame} frame @returns {Promise<boolean>} whether it may be shown */
  async #open(frame) {
    if (clear_allowed) {
      this.crypto.clear += 1;
      return true;
    }
    try {
      const now_ms = performance.now();
      let from = "";
      const opened = await open_frame((id) => {
        const held = ring.find(id, now_ms);
        from = held?.from ?? "";
        return held?.key ?? null;
      }, this.kind, new Uint8Array(frame.data));
      if (this.expected !== "" && from !== this.expected) {
        this.crypto.stranger += 1;
        this.#blocked = true;
        return false;
      }
      ring.note_use(opened.key_id, now_ms);
      frame.data = opened.frame.buffer;
      this.crypto.opened += 1;
      // What came before this frame was lost to the decoder, which shows nothing until a key frame.
      if (this.#blocked && this.kind === "video" && frame.type !== "key") this.ask_for_key_frame(now_ms);
      else this.#blocked = false;
      return true;
    } catch (error) {
      if (!(error instanceof SFrameError)) throw error;
      this.crypto.unopened += 1;
      this.#blocked = true;
      return false;
    }
  }

  /** @param {number} now_ms */
  ask_for_key_frame(now_ms) {
    if (now_ms - this.#asked_ms < KEY_FRAME_GAP_MS) return;
    this.#asked_ms = now_ms;
    this.transformer.sendKeyFrameRequest?.()?.catch(() => {});
  }
}

/** @type {Map<string, Map<string, Pipe>>} by connection, then by place: label and slot */
const connections = new Map();

/** @type {Map<string, string>} what `expect` said before its pipe was there, by connection and place */
const early = new Map();

/** @param {string} label @param {string} slot tells several ends with one label apart */
const place_of = (label, slot) => `${label} ${slot}`;

self.addEventListener("rtctransform", (event) => {
  const { transformer } = /** @type {{transformer: Transformer}} */ (/** @type {unknown} */ (event));
  const { connection, label, slot } = transformer.options;
  const place = place_of(label, slot);
  const pipes = connections.get(connection) ?? new Map();
  connections.set(connection, pipes);
  const pipe = new Pipe(transformer);
  pipe.expected = early.get(`${connection} ${place}`) ?? "";
  pipes.set(place, pipe);
});

/** @param {number} id @param {string} connection */
function count(id, connection) {
  /** @type {Record<string, number>} */
  const frames = {};
  /** @type {CryptoCounts} */
  const crypto = { sealed: 0, opened: 0, clear: 0, unsealed: 0, unopened: 0, stranger: 0 };
  /** @type {Record<string, number>} */
  const seen = {};
  for (const pipe of connections.get(connection)?.values() ?? []) {
    frames[pipe.label] = (frames[pipe.label] ?? 0) + pipe.frames;
    const way = `${pipe.sends ? "send" : "receive"}:${pipe.kind}`;
    seen[way] = (seen[way] ?? 0) + pipe.seen;
    for (const word of /** @type {(keyof CryptoCounts)[]} */ (Object.keys(crypto))) crypto[word] += pipe.crypto[word];
  }
  self.postMessage({ type: "counted", id, frames, crypto, seen });
}

/** @param {string} connection @param {string} label @param {string} slot @param {string} from */
function expect(connection, label, slot, from) {
  const place = place_of(label, slot);
  early.set(`${connection} ${place}`, from);
  const pipe = connections.get(connection)?.get(place);
  if (pipe) pipe.expected = from;
}

/** @param {string} connection */
function forget(connection) {
  connections.delete(connection);
  for (const name of early.keys()) if (name.startsWith(`${connection} `)) early.delete(name);
}

/** Whoever got a new key of ours can only begin with a key frame. */
function make_key_frames() {
  for (const [, pipe] of [...connections.values()].flatMap((pipes) => [...pipes])) {
    if (pipe.sends && pipe.kind === "video") pipe.transformer.generateKeyFrame?.()?.catch(() => {});
  }
}

/** Pictures that stood still because nothing came go on at once. @param {string} connection */
function ask_for_key_frames(connection) {
  for (const pipe of connections.get(connection)?.values() ?? []) {
    if (!pipe.sends && pipe.kind === "video" && pipe.seen > 0) pipe.ask_for_key_frame(performance.now());
  }
}

/** @type {Record<string, (data: any) => void>} */
const handlers = {
  beat: ({ interval_ms }) => setInterval(() => self.postMessage({ type: "beat" }), interval_ms),
  require: () => {
    required = true;
    clear_allowed = false;
  },
  allow_clear: () => {
    if (required) return;
    clear_allowed = true;
    ring.sending = null;
  },
  sending: ({ key, key_frames }) => {
    if (clear_allowed) return;
    ring.use_sending(key);
    if (key_frames) make_key_frames();
  },
  receiving: ({ from, key }) => ring.add_receiving(from, key),
  forget_sender: ({ from }) => ring.forget(from),
  expect: ({ connection, label, slot, from }) => expect(connection, label, slot, from),
  key_frames: ({ connection }) => ask_for_key_frames(connection),
  count: ({ id, connection }) => count(id, connection),
  forget: ({ connection }) => forget(connection),
};

self.addEventListener("message", ({ data }) => handlers[data.type]?.(data));
