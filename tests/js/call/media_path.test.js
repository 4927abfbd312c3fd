import assert from "node:assert/strict";
import { test } from "node:test";
import { MediaPath, NullPath } from "../../../static/js/call/media_path.js";
import { P2PPath } from "../../../static/js/call/p2p_path.js";
import { SfuPath } from "../../../static/js/call/sfu_path.js";
import { PeerSignaling } from "../../../static/js/call/peer_signaling.js";

/** @import { Message, SignalBody } from "../../../static/js/lib/protocol.js" */

test("every verb of the contract is the route's own", () => {
  for (const verb of ["prepare", "verify", "swap", "close", "set_track", "set_media", "send_chat", "receive_signal", "set_reachable", "tick"]) {
    assert.ok(Object.hasOwn(P2PPath.prototype, verb), verb);
    assert.equal(typeof Reflect.get(MediaPath.prototype, verb), "function", verb);
  }
});

test("the route through a server has its own verbs for what a server adds", () => {
  for (const verb of ["prepare", "verify", "swap", "close", "set_track", "set_media", "send_chat", "send_history", "receive_sfu", "set_people", "set_view", "set_reachable", "tick"]) {
    assert.ok(Object.hasOwn(SfuPath.prototype, verb), verb);
    assert.equal(typeof Reflect.get(MediaPath.prototype, verb), "function", verb);
  }
});

test("who swaps leaves the path before alone: it is closed by whoever keeps both", async () => {
  const [before, after] = [new NullPath(), new NullPath()];
  await before.prepare();
  assert.equal(await before.verify(), true);
  await after.prepare();
  await after.swap(before);
  assert.deepEqual(before.calls, ["prepare", "verify"]);
  before.close();
  assert.deepEqual([before.report.state, before.report.route], ["closed", ""]);
  assert.equal(after.report.state, "connecting");
});

test("a change is told when state or route change, not for every round trip time", () => {
  const path = new MediaPath();
  /** @type {string[]} */
  const told = [];
  path.addEventListener("change", () => told.push(`${path.report.state} ${path.report.route}`));
  path.note({ state: "connecting" });
  path.note({ rtt_ms: 20 });
  path.note({ rtt_ms: 30, route: "direct" });
  path.note({ state: "connecting", route: "direct" });
  assert.deepEqual(told, ["connecting ", "connecting direct"]);
  assert.equal(path.report.rtt_ms, 30);
});

/** Two ends wired together; `up` decides whether a message passes. */
function two_ends() {
  const wire = { up: true };
  /** @type {SignalBody[]} */
  const delivered = [];
  /** @type {{anna?: PeerSignaling, ben?: PeerSignaling}} */
  const ends = {};
  /** @param {"anna"|"ben"} to @returns {(message: Message) => boolean} */
  const send = (to) => (message) => {
    if (wire.up) ends[to]?.receive(message);
    return wire.up;
  };
  ends.anna = new PeerSignaling({ peer_id: "ben", stream_out: "a.b", stream_in: "b.a", send: send("ben"), deliver: () => assert.fail() });
  ends.ben = new PeerSignaling({ peer_id: "anna", stream_out: "b.a", stream_in: "a.b", send: send("anna"), deliver: (body) => delivered.push(body) });
  return { wire, delivered, anna: ends.anna, ben: ends.ben };
}

test("what is pushed while the socket is down arrives after it is back, once", () => {
  const { wire, delivered, anna } = two_ends();
  wire.up = false;
  anna.push({ kind: "restart" }, 0);
  anna.push({ kind: "candidate", candidate: null }, 1);
  wire.up = true;
  anna.resume(100);
  anna.resume(200);
  anna.flush(60_000);
  assert.deepEqual(delivered, [{ kind: "restart" }, { kind: "candidate", candidate: null }]);
});

test("signals of another page load are neither delivered nor acknowledged", () => {
  const { delivered, ben } = two_ends();
  ben.receive({ type: "signal", from: "anna", stream: "old.b", seq: 1, body: { kind: "restart" } });
  assert.deepEqual(delivered, []);
});
