import assert from "node:assert/strict";
import { test } from "node:test";
import { rescue_step } from "../../../static/js/lib/rescue.js";

/** @param {string} engine @param {boolean} has_relay */
function told(engine, has_relay) {
  /** @type {string[]} */
  const steps = [];
  for (let lost_ms = 0; lost_ms < 60_000; lost_ms += 250) {
    const step = rescue_step({ lost_ms, engine, has_relay });
    if (steps.at(-1) !== step) steps.push(step);
  }
  return steps;
}

test("between browsers every way is told in order, and the phone last", () => {
  assert.deepEqual(told("p2p", true), ["restart", "relay", "relay_tls", "audio_only", "phone"]);
});

test("no relay is promised where there is none", () => assert.deepEqual(told("p2p", false), ["restart", "audio_only", "phone"]));
test("on the server the way to it is what is tried", () => assert.deepEqual(told("sfu", true), ["server", "phone"]));

test("before the server is chosen after 10 s no sound alone is tried, relay or not", () => {
  for (const has_relay of [true, false]) assert.notEqual(rescue_step({ lost_ms: 10_000, engine: "p2p", has_relay }), "audio_only");
});
