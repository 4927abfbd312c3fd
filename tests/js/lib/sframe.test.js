/** RFC 9605's own vectors, and the frames that the Python twin sealed (tests/vectors). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { clear_bytes, open_frame, seal_frame, SendingKey } from "../../../static/js/lib/frame_crypto.js";
import { decode_header, derive_key, encode_header, nonce, open, seal, SFrameError } from "../../../static/js/lib/sframe.js";

/** @param {string} name */
const read = (name) => JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8"));
/** @param {string} text */
const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"));
/** @param {Uint8Array} bytes */
const hex = (bytes) => Buffer.from(bytes).toString("hex");

const rfc = read("rfc9605");
const twin = read("frames");

test("headers are those of RFC 9605 C.1", () => {
  for (const { kid, ctr, encoded } of rfc.header) {
    assert.equal(hex(encode_header(kid, ctr)), encoded);
    assert.deepEqual(decode_header(unhex(encoded)), { key_id: kid, counter: ctr, size: encoded.length / 2 });
  }
});

test("a header that is cut short or too large is refused", () => {
  for (const text of ["", "99", "9901", "8f", "ff0020000000000000ffffffffffffffff"]) {
    assert.throws(() => decode_header(unhex(text)), SFrameError, text);
  }
});

test("key, nonce and ciphertext are those of RFC 9605 C.3", async () => {
  const { base_key, kid, ctr, metadata, pt, ct, sframe_salt } = rfc.sframe;
  const key = await derive_key(unhex(base_key), kid);
  assert.equal(hex(key.salt), sframe_salt);
  assert.equal(hex(nonce(key, ctr)), rfc.sframe.nonce);
  assert.equal(hex(await seal(key, ctr, unhex(metadata), unhex(pt))), ct);
  const opened = await open((id) => (id === kid ? key : null), unhex(metadata), unhex(ct));
  assert.deepEqual([hex(opened.plaintext), opened.counter], [pt, ctr]);
});

test("frames are those of the Python twin", async () => {
  const key = await derive_key(unhex(twin.base_key), twin.key_id);
  const sending = new SendingKey(key);
  for (const { kind, frame, sealed, counter } of twin.frames) {
    assert.equal(hex(await seal_frame(sending, kind, unhex(frame))), sealed);
    const opened = await open_frame(() => key, kind, unhex(sealed));
    assert.deepEqual([hex(opened.frame), opened.counter], [frame, counter]);
  }
});

test("no byte of a sealed frame can be changed unnoticed", async () => {
  const key = await derive_key(unhex(twin.base_key), twin.key_id);
  const { kind, sealed } = twin.frames[1];
  for (let index = 0; index < sealed.length / 2; index += 1) {
    const bytes = unhex(sealed);
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    await assert.rejects(open_frame(() => key, kind, bytes), SFrameError, `byte ${index}`);
  }
});

test("another key, or none, opens nothing", async () => {
  const { kind, sealed } = twin.frames[0];
  const other = await derive_key(crypto.getRandomValues(new Uint8Array(16)), twin.key_id);
  await assert.rejects(open_frame(() => other, kind, unhex(sealed)), /not sealed with this key/);
  await assert.rejects(open_frame(() => null, kind, unhex(sealed)), /no such key/);
});

test("the key cannot be taken out of the browser", async () => {
  const key = await derive_key(new Uint8Array(16), 1);
  assert.equal(key.key.extractable, false);
});

test("clear bytes are those of the codec, and a shorter frame is refused", () => {
  assert.equal(clear_bytes("video", new Uint8Array([1, 2, 3])), 3);
  assert.equal(clear_bytes("video", new Uint8Array(10)), 10);
  assert.equal(clear_bytes("audio", new Uint8Array(1)), 1);
  assert.throws(() => clear_bytes("video", new Uint8Array(9)), SFrameError);
  assert.throws(() => clear_bytes("video", new Uint8Array([1, 2])), SFrameError);
  assert.throws(() => clear_bytes("audio", new Uint8Array(0)), SFrameError);
});
