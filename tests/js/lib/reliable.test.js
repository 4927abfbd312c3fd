import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_HELD, ReliableReceiver, ReliableSender } from "../../../static/js/lib/reliable.js";

/** A small seeded generator (mulberry32): a failing run can be run again. @param {number} seed */
function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Two ends over a relay that loses, doubles and delays each message by its own chance, in steps of 50 ms.
 *
 * @param {number} seed
 * @param {{repeat: boolean}} options repeat: false sends every message once, as a control
 */
function run(seed, { repeat }) {
  const random = seeded(seed);
  const sender = new ReliableSender("a.b");
  const receiver = new ReliableReceiver("a.b");
  /** @type {{at_ms: number, order: number, deliver: () => void}[]} */
  let under_way = [];
  let order = 0;
  /** @type {number[]} */
  const delivered = [];
  let now_ms = 0;
  /** @param {() => void} deliver */
  const relay = (deliver) => {
    if (random() < 0.2) return;
    const copies = random() < 0.2 ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      under_way.push({ at_ms: now_ms + (random() < 0.2 ? 400 : 50), order: order++, deliver });
    }
  };
  const total = 40;
  for (; now_ms < 120_000; now_ms += 50) {
    const sent = now_ms / 50;
    if (sent < total) sender.push(sent);
    const first_time = sent < total ? total : 0;
    if (repeat || first_time) {
      for (const { seq, body } of sender.due(now_ms)) {
        if (!repeat && body !== sent) continue;
        relay(() => {
          delivered.push(...receiver.receive("a.b", seq, body));
          assert.ok(receiver.held_count <= MAX_HELD);
          const upto = receiver.contiguous;
          relay(() => sender.acknowledge("a.b", upto));
        });
      }
    }
    const arrived = under_way.filter(({ at_ms }) => at_ms <= now_ms).sort((a, b) => a.at_ms - b.at_ms || a.order - b.order);
    under_way = under_way.filter(({ at_ms }) => at_ms > now_ms);
    for (const { deliver } of arrived) deliver();
    if (repeat && delivered.length === total && sender.unacked_count === 0) break;
  }
  return { delivered, now_ms, unacked: sender.unacked_count, total };
}

test("all arrive in order and once over a relay that loses, doubles and swaps 20 % each, 200 times", () => {
  let slowest_ms = 0;
  for (let seed = 1; seed <= 200; seed += 1) {
    const { delivered, unacked, now_ms, total } = run(seed, { repeat: true });
    assert.deepEqual(delivered, Array.from({ length: total }, (_, index) => index), `seed ${seed}`);
    assert.equal(unacked, 0, `seed ${seed}`);
    slowest_ms = Math.max(slowest_ms, now_ms);
  }
  assert.ok(slowest_ms < 30_000, `the slowest run took ${slowest_ms} ms`);
});

test("control: without repeating, the same relay does lose messages", () => {
  const complete = Array.from({ length: 50 }, (_, seed) => run(seed + 1, { repeat: false })).filter((r) => r.delivered.length === r.total);
  assert.equal(complete.length, 0);
});

test("a receiver holds no more than its bound, and drops what is too far ahead", () => {
  const receiver = new ReliableReceiver("s");
  for (let seq = 2; seq <= 2 * MAX_HELD; seq += 1) assert.deepEqual(receiver.receive("s", seq, seq), []);
  assert.equal(receiver.held_count, MAX_HELD - 1);
  assert.equal(receiver.receive("s", 1, 1).length, MAX_HELD);
  assert.equal(receiver.held_count, 0);
});

test("a new stream begins again at 1 and forgets what was held", () => {
  const receiver = new ReliableReceiver("old");
  receiver.receive("old", 1, "a");
  receiver.receive("old", 3, "late");
  assert.deepEqual(receiver.receive("new", 1, "b"), ["b"]);
  assert.deepEqual(receiver.receive("new", 2, "c"), ["c"]);
  assert.deepEqual(receiver.receive("new", 3, "d"), ["d"]);
  assert.equal(receiver.held_count, 0);
});

test("numbers that cannot be are ignored", () => {
  const receiver = new ReliableReceiver("s");
  for (const seq of [0, -1, 1.5, NaN, Infinity, 2 ** 60]) assert.deepEqual(receiver.receive("s", seq, "x"), []);
  assert.equal(receiver.contiguous, 0);
});

test("a sender repeats with growing pauses until it is acknowledged", () => {
  const sender = new ReliableSender("s");
  sender.push("a");
  const sent_at_ms = [];
  for (let now_ms = 0; now_ms <= 10_000; now_ms += 100) if (sender.due(now_ms).length) sent_at_ms.push(now_ms);
  assert.deepEqual(sent_at_ms, [0, 300, 800, 1800, 3800, 5800, 7800, 9800]);
  sender.acknowledge("s", 1);
  assert.deepEqual(sender.due(60_000), []);
});

test("an acknowledgement that stands still says what is lost: it is repeated without the long pause", () => {
  const sender = new ReliableSender("s");
  sender.push("a");
  for (const now_ms of [0, 250, 750, 1750]) assert.equal(sender.due(now_ms).length, 1, String(now_ms));
  sender.acknowledge("s", 0);
  assert.deepEqual(sender.due(1999), []);
  assert.equal(sender.due(2000).length, 1);
});

test("of many unacknowledged only the oldest are repeated, until an acknowledgement moves on", () => {
  const sender = new ReliableSender("s");
  for (let count = 0; count < 10; count += 1) sender.push(count);
  assert.equal(sender.due(0).length, 10);
  assert.deepEqual(sender.due(250).map(({ seq }) => seq), [1, 2, 3, 4]);
  sender.acknowledge("s", 2);
  assert.deepEqual(sender.due(251).map(({ seq }) => seq), [5, 6]);
});

test("a sender ignores acknowledgements of another stream and of what it never sent", () => {
  const sender = new ReliableSender("s");
  sender.push("a");
  sender.due(0);
  sender.acknowledge("other", 1);
  sender.acknowledge("s", 2);
  assert.equal(sender.unacked_count, 1);
});

test("after a reconnect everything unacknowledged is due at once, in order", () => {
  const sender = new ReliableSender("s");
  sender.push("a");
  sender.push("b");
  sender.due(0);
  assert.deepEqual(sender.due(10), []);
  sender.repeat_all();
  assert.deepEqual(sender.due(10), [{ seq: 1, body: "a" }, { seq: 2, body: "b" }]);
});
