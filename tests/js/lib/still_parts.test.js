// A picture in parts over a way that loses, doubles and reorders.

import assert from "node:assert/strict";
import { test } from "node:test";

import { count_parts, MAX_PART_BYTES, MAX_STILL_BYTES, readable_head, StillReceiver, StillSender } from "../../../static/js/lib/still_parts.js";

const DIGEST = "A".repeat(43);

/** @param {number} bytes @param {number} part_bytes */
function head_of(bytes, part_bytes) {
  return { id: "picture-1", bytes, part_bytes, width: 40, height: 30, digest: DIGEST };
}

/** @param {number} bytes */
function picture(bytes) {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 7 + (at >> 8)) % 256);
}

/** The same numbers in every run. @param {number} seed */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

test("a head from a stranger is read, or it is nothing", () => {
  const good = head_of(100_000, 11_000);
  assert.deepEqual(readable_head({ ...good, step: "head", more: 1 }), good);
  const bad = [
    null, undefined, 7, "head", {},
    { ...good, id: "short" }, { ...good, id: "a/../../b" }, { ...good, id: 5 },
    { ...good, bytes: 0 }, { ...good, bytes: MAX_STILL_BYTES + 1 }, { ...good, bytes: 1.5 }, { ...good, bytes: "9" }, { ...good, bytes: NaN },
    // One byte in each part would be eight million of them.
    { ...good, part_bytes: 1 }, { ...good, part_bytes: MAX_PART_BYTES + 1 },
    { ...good, width: 0 }, { ...good, height: 1e9 }, { ...good, digest: "" }, { ...good, digest: undefined },
  ];
  for (const head of bad) assert.equal(readable_head(head), null);
});

test("all parts in order are the picture", () => {
  for (const bytes of [1, 999, 1000, 1001, 5000]) {
    const content = picture(bytes);
    const sender = new StillSender(content, head_of(bytes, 1000));
    const receiver = new StillReceiver(sender.head);
    let sent = 0;
    for (let part = sender.next(); part; part = sender.next()) {
      assert.equal(receiver.content, null);
      assert.equal(receiver.take(part.n, part.data), true);
      sent += 1;
    }
    assert.equal(sent, count_parts(sender.head));
    assert.deepEqual(receiver.content, content);
    assert.deepEqual([receiver.progress, receiver.missing], [1, []]);
  }
});

test("a part that does not fit, or comes twice, changes nothing", () => {
  const sender = new StillSender(picture(2500), head_of(2500, 1000));
  const receiver = new StillReceiver(sender.head);
  const first = /** @type {{n: number, data: Uint8Array}} */ (sender.next());
  assert.equal(receiver.take(0, first.data.subarray(1)), false);
  assert.equal(receiver.take(3, first.data), false);
  assert.equal(receiver.take(-1, first.data), false);
  assert.equal(receiver.take("0", first.data), false);
  assert.equal(receiver.take(0, null), false);
  assert.equal(receiver.take(2, first.data), false); // the last one is shorter
  assert.equal(receiver.take(0, first.data), true);
  assert.equal(receiver.take(0, first.data), false);
});

test("what is asked for again is sent once, and only what there is", () => {
  const sender = new StillSender(picture(3000), head_of(3000, 1000));
  while (sender.next());
  sender.need([1, 1, 7, -1, 0.5, "2", null]);
  sender.need("everything");
  assert.equal(sender.next()?.n, 1);
  assert.equal(sender.next(), null);
  sender.put_back(2);
  sender.need([2]);
  assert.equal(sender.next()?.n, 2);
  assert.equal(sender.next(), null);
});

test("a way that loses a third, doubles a fifth and reorders brings the whole picture", () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const roll = dice(seed);
    const content = picture(150_001);
    const sender = new StillSender(content, head_of(content.length, 1000));
    const receiver = new StillReceiver(sender.head);
    /** @type {{n: number, data: Uint8Array}[]} */
    const way = [];
    for (let round = 0; receiver.content === null; round += 1) {
      assert.ok(round < 60, `seed ${seed}: still missing ${receiver.missing.length}`);
      for (let part = sender.next(); part; part = sender.next()) {
        if (roll() < 0.33) continue;
        way.push(part);
        if (roll() < 0.2) way.push(part);
      }
      way.sort(() => roll() - 0.5);
      for (const part of way.splice(0)) receiver.take(part.n, part.data);
      if (roll() > 0.33) sender.need(receiver.missing);
    }
    assert.deepEqual(receiver.content, content);
  }
});
