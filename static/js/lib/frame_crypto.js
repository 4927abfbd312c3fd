/**
 * Which bytes of an encoded frame stay clear, and sealing the rest. A forwarding server and the packetizers of the
 * browsers read the first bytes of VP8 and Opus and nothing else.
 *
 *   VP8, Opus:  [clear bytes][SFrame header][ciphertext][tag 16]      the clear bytes are authenticated
 *
 * @import { FrameKey } from "./sframe.js"
 * @typedef {"audio"|"video"} FrameKind
 */

import { concat, MAX_INTEGER, open, seal, SFrameError } from "./sframe.js";

/** RFC 6386 §9.1: frame tag 3 bytes; a key frame adds start code and dimensions, 7 more. RFC 6716 §3.1: TOC 1 byte. */
const CLEAR_KEY_FRAME = 10;
const CLEAR_DELTA_FRAME = 3;
const CLEAR_AUDIO = 1;

/**
 * @param {FrameKind} kind
 * @param {Uint8Array} frame
 * @returns {number} bytes
 * @throws {SFrameError} when the frame is shorter: no encoder makes one, and its reader could not tell where it ends
 */
export function clear_bytes(kind, frame) {
  const is_key_frame = ((frame[0] ?? 0) & 1) === 0;
  const size = kind === "audio" ? CLEAR_AUDIO : is_key_frame ? CLEAR_KEY_FRAME : CLEAR_DELTA_FRAME;
  if (frame.length < size) throw new SFrameError("the frame is cut short");
  return size;
}

/** One key to send with and its only counter: every encoder and every connection of this page draws from it. */
export class SendingKey {
  #counter = 0;

  /** @param {FrameKey} key */
  constructor(key) {
    this.key = key;
  }

  get id() {
    return this.key.id;
  }

  /** @returns {number} never the same twice */
  next_counter() {
    if (this.#counter >= MAX_INTEGER) throw new SFrameError("the key is used up");
    return this.#counter++;
  }
}

/**
 * @param {SendingKey} sending
 * @param {FrameKind} kind
 * @param {Uint8Array<ArrayBuffer>} frame as it came from the encoder
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function seal_frame(sending, kind, frame) {
  const clear = frame.slice(0, clear_bytes(kind, frame));
  return concat(clear, await seal(sending.key, sending.next_counter(), clear, frame.subarray(clear.length)));
}

/**
 * @param {(key_id: number) => FrameKey|null} find_key
 * @param {FrameKind} kind
 * @param {Uint8Array<ArrayBuffer>} frame as it came from the network
 * @returns {Promise<{frame: Uint8Array<ArrayBuffer>, key_id: number, counter: number}>}
 * @throws {SFrameError}
 */
export async function open_frame(find_key, kind, frame) {
  const clear = frame.slice(0, clear_bytes(kind, frame));
  const { plaintext, key_id, counter } = await open(find_key, clear, frame.subarray(clear.length));
  return { frame: concat(clear, plaintext), key_id, counter };
}
