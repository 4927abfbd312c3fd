/** The badge while the route moves: two connections, and what is seen and heard changes over from one to the other. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { EncryptionBadge } from "../../../static/js/lib/encryption_badge.js";

/** @import { WatchedPath } from "../../../static/js/lib/encryption_badge.js" */

const NONE = { sealed: 0, opened: 0, clear: 0, unsealed: 0, unopened: 0, stranger: 0 };
const FACTS = { alarm: false, recorder_has_key: false };
const DIRECT = { connection: "direct", route: "direct", connected: true, shown: true };
const SERVER = { connection: "server", route: "server", connected: true, shown: true };
const UNSEEN = { ...SERVER, shown: false };
const LEFT = { ...DIRECT, shown: false };

/** Frames of sound by the second: in the worker's hands, and on the wire. @param {number} second @param {number} past the worker @param {number} clear */
function counts(second, past = 0, clear = 0) {
  const [seen, wire] = [{ "send:audio": 50 * second }, { "send:audio": 50 * second + past }];
  return { crypto: { ...NONE, sealed: clear > 0 ? 0 : 50 * second, opened: clear > 0 ? 0 : 50 * second, clear }, seen, wire };
}

/** @param {WatchedPath[][]} seconds @param {Record<string, boolean>} [facts] */
function told(seconds, facts = {}) {
  const badge = new EncryptionBadge();
  return seconds.map((paths, second) => badge.judge({ at_ms: 1000 * second, paths, ...FACTS, ...facts }));
}

const proved = (/** @type {number} */ second) => counts(second + 1);
const unproved = () => counts(0);

test("what is proved for the connection that is shown stays while the next one is built and counted", () => {
  assert.deepEqual(told([
    [{ ...DIRECT, counts: proved(0) }],
    [{ ...DIRECT, counts: proved(1) }, { ...UNSEEN, connected: false, counts: unproved() }],
    // A busy machine counts late: it looks like something that goes past the worker.
    [{ ...DIRECT, counts: proved(2) }, { ...UNSEEN, counts: counts(1, 40) }],
    // The new one is the one in use, and nothing of it is seen or heard yet.
    [{ ...UNSEEN, counts: unproved() }, { ...DIRECT, counts: proved(3) }],
  ]), ["e2e_direct", "e2e_direct", "e2e_direct", "e2e_direct"]);
});

test("from the first of it that is shown the new connection answers for itself, and the weaker of the two is told", () => {
  assert.deepEqual(told([
    [{ ...UNSEEN, counts: proved(0) }, { ...DIRECT, counts: proved(0) }],
    [{ ...SERVER, counts: proved(1) }, { ...DIRECT, counts: proved(1) }],
    [{ ...SERVER, counts: proved(2) }, { ...LEFT, counts: proved(2) }],
  ]), ["e2e_direct", "e2e_server", "e2e_server"]);
  assert.deepEqual(told([
    [{ ...SERVER, shown: false, counts: proved(0) }, { ...DIRECT, counts: proved(0) }],
    [{ ...DIRECT, connection: "again", counts: proved(0) }, { ...SERVER, counts: proved(1) }],
    [{ ...DIRECT, connection: "again", counts: proved(1) }, { ...SERVER, shown: false, counts: proved(2) }],
  ]), ["e2e_direct", "e2e_server", "e2e_direct"]);
});

test("a connection that is shown and unproved claims nothing, whatever was proved before", () => {
  assert.deepEqual(told([
    [{ ...UNSEEN, counts: unproved() }, { ...DIRECT, counts: proved(0) }],
    [{ ...SERVER, counts: unproved() }, { ...DIRECT, counts: proved(1) }],
    [{ ...SERVER, counts: unproved() }],
  ]), ["e2e_direct", "pending", "pending"]);
  // Built anew without another one beside it.
  assert.deepEqual(told([[{ ...DIRECT, counts: proved(5) }], [{ ...DIRECT, connection: "again", counts: unproved() }]]), ["e2e_direct", "pending"]);
});

test("plain frames take the promise back: of what is shown, and of what is sent unseen", () => {
  for (const shown of [true, false]) {
    assert.deepEqual(told([
      [{ ...DIRECT, counts: proved(0) }],
      [{ ...SERVER, shown, counts: counts(1, 0, 5) }, { ...DIRECT, counts: proved(1) }],
    ]), ["e2e_direct", "to_server"], `shown: ${shown}`);
  }
  // The one that is shown sends in clear: the new one, sealed and unseen, does not help it.
  assert.deepEqual(told([[{ ...UNSEEN, counts: proved(1) }, { ...DIRECT, counts: counts(1, 0, 5) }]]), ["transport"]);
});

test("what goes past the worker takes the promise back within three seconds, seen or not", () => {
  for (const shown of [true, false]) {
    const seconds = [0, 1, 2, 3, 4].map((second) => [
      { ...SERVER, shown, counts: counts(second, 50 * second) }, { ...DIRECT, counts: proved(second) },
    ]);
    const states = told(seconds);
    assert.deepEqual(states.slice(3), ["pending", "pending"], `shown: ${shown}`);
    if (!shown) assert.deepEqual(states.slice(0, 2), ["e2e_direct", "e2e_direct"]);
  }
});

test("a connection that is gone shows nothing: the other one answers", () => {
  const gone = { ...DIRECT, connected: false };
  assert.deepEqual(told([
    [{ ...SERVER, counts: proved(0) }, { ...gone, counts: proved(0) }],
    [{ ...UNSEEN, connection: "again", counts: unproved() }, { ...gone, counts: proved(0) }],
    [],
  ]), ["e2e_server", "pending", "pending"]);
});

test("a key that does not fit, and one that was given away, are told whatever is shown", () => {
  const both = [[{ ...UNSEEN, counts: unproved() }, { ...DIRECT, counts: proved(0) }]];
  assert.deepEqual(told(both, { alarm: true }), ["alarm"]);
  assert.deepEqual(told(both, { recorder_has_key: true }), ["recorder_key"]);
});
