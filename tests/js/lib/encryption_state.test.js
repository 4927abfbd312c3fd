/** The badge follows what was counted: the weakest truth of the last seconds. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { EncryptionWatch } from "../../../static/js/lib/encryption_state.js";

const NONE = { sealed: 0, opened: 0, clear: 0, unsealed: 0, unopened: 0, stranger: 0 };

/** @param {Partial<typeof NONE>[]} readings one a second @param {Record<string, any>} [facts] */
function judged(readings, facts = {}) {
  const watch = new EncryptionWatch();
  const fixed = { connection: "one", route: "server", connected: true, alarm: false, recorder_has_key: false, ...facts };
  return readings.map((counts, second) => watch.judge({ at_ms: 1000 * second, counts: { ...NONE, ...counts }, ...fixed }));
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

test("silence keeps what was proved; another connection begins anew; an alarm outlives everything", () => {
  assert.deepEqual(judged([{ sealed: 9, opened: 9 }, { sealed: 9, opened: 9 }, { sealed: 9, opened: 9 }]).at(-1), "e2e_server");
  const watch = new EncryptionWatch();
  const fixed = { route: "direct", connected: true, alarm: false, recorder_has_key: false };
  assert.equal(watch.judge({ ...fixed, at_ms: 0, connection: "one", counts: { ...NONE, sealed: 5 } }), "e2e_direct");
  assert.equal(watch.judge({ ...fixed, at_ms: 1000, connection: "two", counts: NONE }), "pending");
  assert.equal(watch.judge({ ...fixed, at_ms: 2000, connection: "two", counts: { ...NONE, sealed: 5 }, alarm: true }), "alarm");
});
