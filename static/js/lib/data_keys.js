/**
 * Keys for what people write to each other, made from the same secrets as the keys of their frames. Another key id is
 * another key (RFC 9605 §4.4.2 puts it into the derivation), so the two never share a nonce however each counts.
 *
 * @import { FrameKey } from "./sframe.js"
 */

import { derive_key } from "./sframe.js";

/** Above every id of a frame key, which has 5 bytes. */
const DATA_KEYS = 2 ** 40;

/** @param {Uint8Array<ArrayBuffer>} secret @param {number} key_id of the frame key @returns {Promise<FrameKey>} */
export function derive_data_key(secret, key_id) {
  return derive_key(secret, DATA_KEYS + key_id);
}
