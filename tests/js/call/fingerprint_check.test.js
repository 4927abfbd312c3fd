import assert from "node:assert/strict";
import { test } from "node:test";

import { FingerprintCheck } from "../../../static/js/call/fingerprint_check.js";

/** @param {string} value */
const sdp = (value) => `v=0\r\na=fingerprint:sha-256 ${value}\r\n`;

/**
 * One end; signatures are the words themselves. What it says stays in `said` until somebody hands it over.
 * @param {string} me @param {string} peer
 */
function end(me, peer) {
  const said = /** @type {any[]} */ ([]);
  const alarms = /** @type {string[]} */ ([]);
  const keys = /** @type {any} */ ({
    sign: async (/** @type {string[]} */ ...words) => words.join("|"),
    verify: async (/** @type {string} */ _peer, /** @type {string} */ signature, /** @type {string[]} */ ...words) => signature === words.join("|"),
    post: (/** @type {string} */ _to, /** @type {any} */ item) => said.push(item),
    raise_alarm: (/** @type {string} */ _from, /** @type {string} */ code) => alarms.push(code),
  });
  const check = new FingerprintCheck({ keys, room: "room", me, peer, name_out: `${me}-${peer}`, name_in: `${peer}-${me}` });
  return { check, said, alarms };
}

/** @param {{said: any[]}} from @param {{check: FingerprintCheck}} to */
function hand_over(from, to) {
  for (const item of from.said.splice(0)) to.check.receive(item);
}

test("both find the other's certificate good, say so, and then are silent", async () => {
  const anna = end("anna", "ben"), ben = end("ben", "anna");
  for (let second = 0; second < 5; second += 1) {
    await anna.check.tick(second * 1000, sdp("AA"), sdp("BB"));
    await ben.check.tick(second * 1000, sdp("BB"), sdp("AA"));
    hand_over(anna, ben);
    hand_over(ben, anna);
  }
  assert.deepEqual([anna.check.state, ben.check.state], ["good", "good"]);
  await anna.check.tick(9000, sdp("AA"), sdp("BB"));
  await ben.check.tick(9000, sdp("BB"), sdp("AA"));
  assert.deepEqual([anna.said, ben.said], [[], []]);
});

test("a foreign certificate is an alarm on both sides, also when one of them listens later", async () => {
  const anna = end("anna", "ben"), ben = end("ben", "anna");
  await anna.check.tick(0, sdp("AA"), sdp("EE"));
  anna.said.splice(0); // ben's page was not there yet
  await ben.check.tick(1000, sdp("BB"), sdp("EE"));
  hand_over(ben, anna);
  await anna.check.tick(1100, sdp("AA"), sdp("EE"));
  assert.deepEqual(anna.alarms, ["foreign_certificate"]);
  await anna.check.tick(2200, sdp("AA"), sdp("EE"));
  hand_over(anna, ben);
  await ben.check.tick(2300, sdp("BB"), sdp("EE"));
  assert.deepEqual(ben.alarms, ["foreign_certificate"]);
});

test("what the other has not signed is not believed, and nothing is said of another connection", async () => {
  const anna = end("anna", "ben");
  anna.check.receive({ connection: "ben-anna", value: "sha-256 EE", signature: "forged" });
  assert.equal(await anna.check.tick(0, sdp("AA"), sdp("EE")), "unknown");
  const words = ["telemed fingerprint 1", "room", "ben", "ben-cleo", "sha-256 EE"].join("|");
  anna.check.receive({ connection: "ben-cleo", value: "sha-256 EE", signature: words });
  assert.equal(await anna.check.tick(1000, sdp("AA"), sdp("EE")), "unknown");
  assert.deepEqual(anna.alarms, []);
});
