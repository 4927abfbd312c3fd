/**
 * SFrame (RFC 9605) with AES_128_GCM_SHA256_128, the one suite we use. media_routing/sframe.py is its twin; both are
 * tested with the vectors of the RFC and with each other's output.
 *
 * Key ids and counters are JavaScript numbers, so both stay below 2^53. A counter of 2^53 frames is 100 000 years.
 */

/** RFC 9605 §8.1 */
const CIPHER_SUITE = 4;
const KEY_BITS = 128;
const SALT_BYTES = 12;
export const TAG_BYTES = 16;
export const MAX_INTEGER = Number.MAX_SAFE_INTEGER;

/** The config byte, then at most 8 bytes of key id and 8 of counter (RFC 9605 §4.3). */
export const MAX_HEADER_BYTES = 17;

/** @typedef {{id: number, key: CryptoKey, salt: Uint8Array<ArrayBuffer>}} FrameKey */

export class SFrameError extends Error {}

/** @param {number} value @returns {number[]} big-endian, no leading zeros, at least one byte */
function minimal_bytes(value) {
  if (!Number.isSafeInteger(value) || value < 0) throw new SFrameError("not an integer below 2^53");
  const bytes = [];
  let rest = value;
  do {
    bytes.unshift(rest % 256);
    rest = Math.floor(rest / 256);
  } while (rest > 0);
  return bytes;
}

/** @param {number} key_id @param {number} counter @returns {Uint8Array<ArrayBuffer>} RFC 9605 §4.3 */
export function encode_header(key_id, counter) {
  const key_bytes = key_id < 8 ? [] : minimal_bytes(key_id);
  const counter_bytes = counter < 8 ? [] : minimal_bytes(counter);
  const k = key_bytes.length > 0 ? 0x80 | ((key_bytes.length - 1) << 4) : key_id << 4;
  const c = counter_bytes.length > 0 ? 0x08 | (counter_bytes.length - 1) : counter;
  return new Uint8Array([k | c, ...key_bytes, ...counter_bytes]);
}

/**
 * @param {Uint8Array} bytes begins with a header
 * @returns {{key_id: number, counter: number, size: number}}
 * @throws {SFrameError} when it is cut short, or larger than we count
 */
export function decode_header(bytes) {
  const config = bytes[0];
  if (config === undefined) throw new SFrameError("no header");
  let size = 1;
  /** @param {number} flag @param {number} field */
  const read = (flag, field) => {
    if (!flag) return field;
    let value = 0;
    for (let left = field + 1; left > 0; left -= 1) {
      const byte = bytes[size];
      if (byte === undefined) throw new SFrameError("the header is cut short");
      value = value * 256 + byte;
      size += 1;
    }
    if (value > MAX_INTEGER) throw new SFrameError("more than 2^53");
    return value;
  };
  const key_id = read(config & 0x80, (config >> 4) & 7);
  const counter = read(config & 0x08, config & 7);
  return { key_id, counter, size };
}

/** @param {string} label @param {number} key_id @returns {Uint8Array<ArrayBuffer>} label, key id in 8 bytes, suite in 2 */
function info(label, key_id) {
  const text = new TextEncoder().encode(label);
  const bytes = new Uint8Array(text.length + 10);
  bytes.set(text);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(text.length, BigInt(key_id));
  view.setUint16(text.length + 8, CIPHER_SUITE);
  return bytes;
}

/**
 * @param {Uint8Array<ArrayBuffer>} base_key the secret that is handed to the others, 16 to 32 bytes
 * @param {number} key_id
 * @returns {Promise<FrameKey>} RFC 9605 §4.4.2; the CryptoKey cannot be exported
 */
export async function derive_key(base_key, key_id) {
  if (base_key.length < 16) throw new SFrameError("a base key has at least 16 bytes");
  const secret = await crypto.subtle.importKey("raw", base_key, "HKDF", false, ["deriveKey", "deriveBits"]);
  /** @param {string} label */
  const hkdf = (label) => ({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: info(label, key_id) });
  const gcm = { name: "AES-GCM", length: KEY_BITS };
  const [key, salt] = await Promise.all([
    crypto.subtle.deriveKey(hkdf("SFrame 1.0 Secret key "), secret, gcm, false, ["encrypt", "decrypt"]),
    crypto.subtle.deriveBits(hkdf("SFrame 1.0 Secret salt "), secret, SALT_BYTES * 8),
  ]);
  return { id: key_id, key, salt: new Uint8Array(salt) };
}

/** @param {FrameKey} key @param {number} counter @returns {Uint8Array<ArrayBuffer>} RFC 9605 §4.4.3 */
export function nonce(key, counter) {
  const bytes = key.salt.slice();
  const view = new DataView(bytes.buffer);
  const padded = new DataView(new ArrayBuffer(8));
  padded.setBigUint64(0, BigInt(counter));
  view.setUint32(4, view.getUint32(4) ^ padded.getUint32(0));
  view.setUint32(8, view.getUint32(8) ^ padded.getUint32(4));
  return bytes;
}

/** @param {...Uint8Array} parts @returns {Uint8Array<ArrayBuffer>} */
export function concat(...parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * @param {FrameKey} key
 * @param {number} counter used once per key, ever: a repeated nonce gives the key away
 * @param {Uint8Array} metadata authenticated, not carried here
 * @param {Uint8Array<ArrayBuffer>} plaintext
 * @returns {Promise<Uint8Array<ArrayBuffer>>} header, ciphertext and tag
 */
export async function seal(key, counter, metadata, plaintext) {
  const header = encode_header(key.id, counter);
  const parameters = { name: "AES-GCM", iv: nonce(key, counter), additionalData: concat(header, metadata) };
  return concat(header, new Uint8Array(await crypto.subtle.encrypt(parameters, key.key, plaintext)));
}

/**
 * @param {(key_id: number) => FrameKey|null} find_key
 * @param {Uint8Array} metadata
 * @param {Uint8Array<ArrayBuffer>} sealed
 * @returns {Promise<{plaintext: Uint8Array<ArrayBuffer>, key_id: number, counter: number}>}
 * @throws {SFrameError} for a key we do not have and for anything that was not sealed with it
 */
export async function open(find_key, metadata, sealed) {
  const { key_id, counter, size } = decode_header(sealed);
  const key = find_key(key_id);
  if (!key) throw new SFrameError("no such key");
  const additionalData = concat(sealed.subarray(0, size), metadata);
  const parameters = { name: "AES-GCM", iv: nonce(key, counter), additionalData };
  try {
    const plaintext = await crypto.subtle.decrypt(parameters, key.key, sealed.subarray(size));
    return { plaintext: new Uint8Array(plaintext), key_id, counter };
  } catch {
    throw new SFrameError("not sealed with this key");
  }
}
