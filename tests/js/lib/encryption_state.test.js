/** The badge follows what was counted: the weakest truth of the last seconds. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { EncryptionWatch } from "../../../static/js/lib/encryption_state.js";
import { wire_frames } from "../../../static/js/lib/wire_frames.js";

const NONE = { sealed: 0, opened: 0, clear: 0, unsealed: 0, unopened: 0, stranger: 0 };

/** @param {Partial<typeof NONE>} crypto @param {Record<string, number>} [seen] @param {Record<string, number>} [wire] */
function reading(crypto, seen = {}, wire = {}) {
  return { crypto: { ...NONE, ...crypto }, seen, wire };
}

/** @param {Partial<typeof NONE>[]} readings one a second @param {Record<string, any>} [facts] */
function judged(readings, facts = {}) {
  const watch = new EncryptionWatch();
  const fixed = { route: "server", connected: true, alarm: false, recorder_has_key: false, ...facts };
  return readings.map((counts, second) => watch.judge({ at_ms: 1000 * second, counts: reading(counts), ...fixed }));
}

test("nothing is said before something was sealed or opened on a path that stands", () => {
  assert.deepEqual(judged([{}, {}]), ["pending", "pending"]);
  assert.deepEqual(judged([{ sealed: 9, opened: 9 }], { connected: false }), ["pending"]);
  assert.deepEqual(judged([{ sealed: 9, opened: 9 }], { route: "" }), ["pending"]);
});

test("sealed and opened frames say which way they went", () => {
  for (const [route, state] of [["direct", "e2e_direct"], ["relay", "e2e_relayed"], ["server", "e2e_server"]]) {
    assert.deepEqual(judged([{ sealed: 9, opened: 9 }], { route }), [state]);
  }
  assert.deepEqual(judged([{ sealed: 9, opened: 9 }], { recorder_has_key: true }), ["recorder_key"]);
});

test("one frame in clear is enough to take the promise back, for as long as the window", () => {
  const clear = (/** @type {number} */ second) => ({ sealed: 10 * second, opened: 10 * second, clear: second >= 1 ? 1 : 0 });
  const states = judged([0, 1, 2, 3, 4, 5, 6].map(clear));
  assert.deepEqual(states.slice(0, 5), ["pending", "to_server", "to_server", "to_server", "to_server"]);
  assert.equal(states[6], "e2e_server");
  assert.deepEqual(judged([{ clear: 3 }], { route: "direct" }), ["transport"]);
});

test("what comes and does not open is not called encrypted", () => {
  assert.deepEqual(judged([{ sealed: 9, unopened: 30 }]), ["pending"]);
  assert.deepEqual(judged([{ sealed: 9, stranger: 30 }]), ["pending"]);
  assert.deepEqual(judged([{ sealed: 9, opened: 2, unopened: 3 }]), ["e2e_server"]);
});

test("silence keeps what was proved; an alarm outlives everything", () => {
  assert.deepEqual(judged([{ sealed: 9, opened: 9 }, { sealed: 9, opened: 9 }, { sealed: 9, opened: 9 }]).at(-1), "e2e_server");
  assert.deepEqual(judged([{ sealed: 9, opened: 9 }], { alarm: true }), ["alarm"]);
});

/**
 * 12 s of a call with so many others: 20 pictures and 50 packets of sound a second of each, all of them in the worker's hands
 * but those of one stream of `lost`, from the third second on.
 *
 * @param {string} lost "send:audio", ... or "" @param {number} [others] @param {boolean} [clear_agreed]
 */
function call_in_which_the_worker_loses(lost, others = 1, clear_agreed = false) {
  const watch = new EncryptionWatch();
  const fixed = { route: "direct", connected: true, alarm: false, recorder_has_key: false, clear_agreed };
  const rates = { "send:audio": 50, "send:video": 20, "receive:audio": 50 * others, "receive:video": 20 * others };
  return Array.from({ length: 12 }, (_, second) => {
    const wire = Object.fromEntries(Object.entries(rates).map(([word, rate]) => [word, rate * second]));
    const seen = Object.fromEntries(Object.entries(rates).map(([word, rate]) => [
      // Read at uneven moments: now and then the worker is four frames behind.
      word, word === lost && second > 3 ? rate * 3 + (rate - rate / others) * (second - 3) : rate * second - 4 * (second % 2),
    ]));
    const sealed = (seen["send:audio"] ?? 0) + (seen["send:video"] ?? 0);
    const opened = (seen["receive:audio"] ?? 0) + (seen["receive:video"] ?? 0);
    return watch.judge({ ...fixed, at_ms: 1000 * second, counts: reading({ sealed, opened }, seen, wire) });
  });
}

test("what goes past the worker takes the promise back within three seconds, one way and one kind being enough", () => {
  assert.ok(call_in_which_the_worker_loses("").slice(1).every((state) => state === "e2e_direct"), "control");
  for (const lost of ["send:audio", "send:video", "receive:audio", "receive:video"]) {
    const states = call_in_which_the_worker_loses(lost);
    assert.deepEqual(states.slice(1, 4), ["e2e_direct", "e2e_direct", "e2e_direct"]);
    assert.ok(states.slice(6).every((state) => state === "pending"), `${lost}: ${states}`);
  }
  // Who never had a transform is promised nothing in the first place.
  const never = new EncryptionWatch();
  for (let second = 1; second < 12; second += 1) {
    const counts = reading({ sealed: 20 * second }, { "send:video": 20 * second }, { "send:video": 20 * second, "send:audio": 50 * second });
    const fixed = { route: "direct", connected: true, alarm: false, recorder_has_key: false };
    assert.equal(never.judge({ ...fixed, at_ms: 1000 * second, counts }), "pending");
  }
  // One voice of seven that goes past it is enough as well.
  assert.equal(call_in_which_the_worker_loses("receive:audio", 7).at(-1), "pending");
});

test("a worker that is behind for a while on a busy machine takes nothing back", () => {
  const watch = new EncryptionWatch();
  const fixed = { route: "server", connected: true, alarm: false, recorder_has_key: false };
  const behind = [0, 0, 8, 20, 5, 0, 0, 400, 90, 0, -150, 0, 300, 0, 0, -200, 0, 60, 250, 0];
  const states = behind.map((frames, second) => {
    const wire = { "receive:audio": 150 * (second + 1) };
    const seen = { "receive:audio": 150 * (second + 1) - frames };
    return watch.judge({ ...fixed, at_ms: 1000 * second, counts: reading({ opened: seen["receive:audio"] }, seen, wire) });
  });
  assert.deepEqual([...new Set(states)], ["e2e_server"]);
});

test("a worker that is behind in the first seconds takes nothing back that was proved, and proves nothing itself", () => {
  /** @param {number[]} behind frames, once a second */
  const states = (behind) => {
    const watch = new EncryptionWatch();
    return behind.map((frames, second) => {
      const [wire, seen] = [{ "receive:audio": 100 * (second + 1) }, { "receive:audio": 100 * (second + 1) - frames }];
      const counts = reading({ opened: seen["receive:audio"] }, seen, wire);
      return watch.judge({ route: "server", connected: true, alarm: false, recorder_has_key: false, at_ms: 1000 * second, counts });
    });
  };
  assert.deepEqual(states([0, 60, 0, 90, 0]), Array(5).fill("e2e_server"));
  assert.deepEqual(states([60, 60, 0, 90]), ["pending", "pending", "e2e_server", "e2e_server"]);
  // Control: what is missing and stays missing is no lag.
  assert.deepEqual(states([0, 60, 120, 180, 240]), ["e2e_server", "e2e_server", "e2e_server", "pending", "pending"]);
});

test("a browser without a worker, which was let in so, says what is true of it", () => {
  assert.equal(call_in_which_the_worker_loses("send:audio", 1, true).at(-1), "transport");
});

test("the browser's own count is of frames: encoded, decoded, and one packet for each of sound", () => {
  assert.deepEqual(wire_frames([
    { type: "outbound-rtp", kind: "video", framesEncoded: 3, packetsSent: 90 },
    { type: "outbound-rtp", kind: "video", framesEncoded: 4 },
    { type: "outbound-rtp", kind: "audio", packetsSent: 7 },
    { type: "inbound-rtp", kind: "video", framesDecoded: 5, packetsReceived: 60 },
    { type: "inbound-rtp", kind: "audio", packetsReceived: 8 },
    { type: "inbound-rtp", kind: "video" },
    { type: "transport" },
  ]), { "send:video": 7, "send:audio": 7, "receive:video": 5, "receive:audio": 8 });
});
