import assert from "node:assert/strict";
import { test } from "node:test";

import { KeyRing, LATE_MS } from "../../../static/js/lib/key_ring.js";
import { derive_key } from "../../../static/js/lib/sframe.js";

/** @param {number} id */
const key = (id) => derive_key(new Uint8Array(16), id);

test("the old key of a sender opens late frames, and soon none", async () => {
  const ring = new KeyRing();
  ring.add_receiving("a", await key(1));
  ring.add_receiving("b", await key(2));
  ring.note_use(1, 0);
  ring.add_receiving("a", await key(3));
  assert.equal(ring.find(1, 60_000)?.from, "a", "the new key is known and not in use yet");
  assert.equal(ring.note_use(3, 60_000), true);
  assert.equal(ring.note_use(3, 60_001), false);
  assert.equal(ring.find(1, 60_000 + LATE_MS)?.from, "a");
  assert.equal(ring.find(1, 60_001 + LATE_MS), null);
  assert.equal(ring.find(2, 90_000)?.from, "b", "another sender's key is not touched");
});

test("nobody takes over another's key id", async () => {
  const ring = new KeyRing();
  assert.equal(ring.add_receiving("a", await key(1)), true);
  assert.equal(ring.add_receiving("a", await key(1)), true);
  assert.equal(ring.add_receiving("b", await key(1)), false);
  assert.equal(ring.find(1, 0)?.from, "a");
});

test("a sender who makes keys without end keeps the newest four", async () => {
  const ring = new KeyRing();
  for (let id = 1; id <= 20; id += 1) ring.add_receiving("a", await key(id));
  assert.deepEqual([15, 16, 17, 20].map((id) => ring.find(id, 0) !== null), [false, false, true, true]);
});

test("who left is forgotten at once", async () => {
  const ring = new KeyRing();
  ring.add_receiving("a", await key(1));
  ring.forget("a");
  assert.equal(ring.find(1, 0), null);
});

test("each sending key counts from zero, and never twice the same", async () => {
  const ring = new KeyRing();
  ring.use_sending(await key(1));
  const first = ring.sending;
  assert.deepEqual([first?.next_counter(), first?.next_counter()], [0, 1]);
  ring.use_sending(await key(2));
  assert.equal(ring.sending?.next_counter(), 0);
});
