/** Sealed words: who reads them, what is held until its key comes, and what a server can and cannot do with them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { SealedTalk } from "../../../static/js/call/sealed_talk.js";
import { from_base64url, to_base64url } from "../../../static/js/lib/base64url.js";
import { derive_data_key } from "../../../static/js/lib/data_keys.js";
import { decode_header } from "../../../static/js/lib/sframe.js";

const SECRET = new Uint8Array(16).fill(7);

/** @param {string} me */
function person(me) {
  /** @type {string[]} */
  const sent = [];
  /** @type {string[]} */
  const heard = [];
  /** @type {string[]} */
  const missing = [];
  const talk = new SealedTalk("room", me, (_to, data) => { sent.push(data); });
  talk.addEventListener("said", (event) => {
    const { from, body } = /** @type {CustomEvent} */ (event).detail;
    heard.push(`${from}: ${body.text}`);
  });
  talk.addEventListener("missing", (event) => missing.push(/** @type {CustomEvent} */ (event).detail.from));
  return { talk, sent, heard, missing };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 30));

test("words are read by who has the key, once, and only by whom they are for", async () => {
  const [anna, ben, eve] = [person("anna"), person("ben"), person("eve")];
  const key = await derive_data_key(SECRET, 5);
  assert.equal(anna.talk.say(null, { text: "nobody yet" }), false);
  anna.talk.seal_with(key);
  ben.talk.open_with("anna", key);
  eve.talk.open_with("anna", key);
  anna.talk.say(null, { text: "hello" });
  anna.talk.say("ben", { text: "only ben" });
  await settled();
  for (const data of anna.sent) {
    for (const listener of [ben, eve]) {
      await listener.talk.receive("anna", data, 0);
      await listener.talk.receive("anna", data, 0);
    }
  }
  assert.deepEqual(ben.heard, ["anna: hello", "anna: only ben"]);
  assert.deepEqual(eve.heard, ["anna: hello"]);
  assert.ok(!anna.sent.some((data) => Buffer.from(data, "base64url").includes("hello")));
});

test("a server can neither change words nor give them to somebody else's name", async () => {
  const [anna, ben] = [person("anna"), person("ben")];
  const key = await derive_data_key(SECRET, 5);
  anna.talk.seal_with(key);
  anna.talk.say(null, { text: "hello" });
  await settled();
  const [data = ""] = anna.sent;
  ben.talk.open_with("carl", key);
  await ben.talk.receive("anna", data, 0);
  assert.deepEqual(ben.heard, [], "the key is carl's");
  const honest = person("ben");
  honest.talk.open_with("anna", key);
  const bytes = from_base64url(data) ?? new Uint8Array();
  bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
  await honest.talk.receive("anna", to_base64url(bytes), 0);
  assert.deepEqual(honest.heard, []);
  await honest.talk.receive("anna", data, 0);
  assert.deepEqual(honest.heard, ["anna: hello"], "control");
});

test("words that come before their key are held; what never opens is asked for again", async () => {
  const [anna, ben] = [person("anna"), person("ben")];
  anna.talk.seal_with(await derive_data_key(SECRET, 5));
  anna.talk.say(null, { text: "early" });
  anna.talk.seal_with(await derive_data_key(SECRET, 6));
  anna.talk.say(null, { text: "lost" });
  await settled();
  for (const data of anna.sent) await ben.talk.receive("anna", data, 1000);
  assert.deepEqual(ben.heard, []);
  ben.talk.open_with("anna", await derive_data_key(SECRET, 5));
  await settled();
  assert.deepEqual(ben.heard, ["anna: early"]);
  ben.talk.tick(5999);
  assert.deepEqual(ben.missing, []);
  ben.talk.tick(6000);
  assert.deepEqual(ben.missing, ["anna"]);
});

test("one key has one counter, and never a frame key's id", async () => {
  const { talk, sent } = person("anna");
  const key = await derive_data_key(SECRET, 5);
  for (let again = 0; again < 3; again += 1) {
    talk.seal_with(key);
    talk.say(null, { text: "x" });
  }
  await settled();
  const headers = sent.map((data) => decode_header(from_base64url(data) ?? new Uint8Array()));
  assert.deepEqual(headers.map(({ counter }) => counter), [0, 1, 2]);
  assert.ok(headers.every(({ key_id }) => key_id >= 2 ** 40));
});
