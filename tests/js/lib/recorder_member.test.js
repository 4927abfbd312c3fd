import assert from "node:assert/strict";
import { test } from "node:test";

import { KeyExchange } from "../../../static/js/lib/key_exchange.js";
import { recorder_of } from "../../../static/js/lib/recorder_member.js";

const RECORDER = { id: "recorder", page: "recording-page", server: true };

/** @param {Record<string, string>} answers of me, and of others by id */
function snapshot({ me, ...others }, recorder = RECORDER, state = "admitted") {
  return {
    room: { recorder },
    me: { id: "me", state, consents: me ? { recording: me } : {} },
    participants: Object.entries(others).map(([id, answer]) => ({ id, state: "admitted", consents: answer ? { recording: answer } : {} })),
  };
}

test("a recorder is a member only while everybody inside has said yes", () => {
  assert.deepEqual(recorder_of(snapshot({ me: "granted", paul: "granted" })), RECORDER);
  for (const bad of ["", "refused", "withdrawn"]) {
    assert.equal(recorder_of(snapshot({ me: bad, paul: "granted" })), null, `me ${bad}`);
    assert.equal(recorder_of(snapshot({ me: "granted", paul: "granted", ina: bad })), null, `ina ${bad}`);
  }
  assert.equal(recorder_of(snapshot({ me: "granted" })), null, "nobody else is here");
  assert.equal(recorder_of(snapshot({ me: "granted", paul: "granted" }, RECORDER, "waiting")), null);
  assert.equal(recorder_of({ ...snapshot({ me: "granted", paul: "granted" }), room: { recorder: null } }), null);
});

test("a recorder changes no words, sends no keys that count, and its going makes a new key at once", async () => {
  const { DeviceKeys } = await import("../../../static/js/lib/device_keys.js");
  const anna = new KeyExchange(await DeviceKeys.create("room", "anna", "page-anna"), () => {});
  /** @type {string[]} */
  const seen = [];
  for (const type of ["sending", "receiving", "words", "changed", "alarm"]) {
    anna.addEventListener(type, (event) => seen.push(`${type} ${/** @type {any} */ (event).detail?.reason ?? ""}`.trim()));
  }
  const paul = { id: "paul", page: "page-paul" };
  await anna.set_members([paul], 0);
  await anna.tick(5000);
  seen.length = 0;
  await anna.set_members([paul, RECORDER], 6000);
  await anna.tick(8001);
  assert.deepEqual(seen, ["sending join"]);
  await anna.receive("recorder", { kind: "key", key_id: 1, box: "AAAA", from_page: RECORDER.page, to_page: "page-anna" }, 8002);
  assert.deepEqual(seen, ["sending join"], "neither received nor an alarm");
  await anna.set_members([paul], 9000);
  await anna.tick(9701);
  assert.deepEqual(seen, ["sending join", "sending withdrawal"], "within 700 ms");
});
