import assert from "node:assert/strict";
import { test } from "node:test";
import { Heartbeat } from "../../../static/js/lib/heartbeat.js";
import { Recovery, RESTART_AFTER_MS } from "../../../static/js/lib/recovery.js";

test("loss is known within 3 s of the last beat when looked at four times a second", () => {
  for (let phase_ms = 0; phase_ms < 250; phase_ms += 10) {
    const heartbeat = new Heartbeat({ lost_after_ms: 2500 });
    heartbeat.hear(0);
    let now_ms = phase_ms;
    while (heartbeat.change(now_ms) === null) now_ms += 250;
    assert.ok(now_ms >= 2500 && now_ms <= 3000, `noticed after ${now_ms} ms`);
  }
});

test("before the first beat nothing is lost", () => {
  const heartbeat = new Heartbeat({ lost_after_ms: 2500 });
  assert.equal(heartbeat.pulse(60_000), "unknown");
  assert.equal(heartbeat.change(60_000), null);
});

test("each change is told once, and a beat brings it back", () => {
  const heartbeat = new Heartbeat({ lost_after_ms: 2500 });
  heartbeat.hear(0);
  assert.equal(heartbeat.change(500), null);
  assert.equal(heartbeat.change(2500), "lost");
  assert.equal(heartbeat.change(3000), null);
  assert.equal(heartbeat.silence_ms(3000), 3000);
  heartbeat.hear(3100);
  assert.equal(heartbeat.change(3100), "alive");
  assert.equal(heartbeat.change(3200), null);
});

/** @param {Partial<Parameters<Recovery["tick"]>[0]>} [changes] */
const lost = (changes) => ({ pulse: /** @type {const} */ ("lost"), ice_state: "disconnected", reachable: true, ...changes });

/** @param {Recovery} recovery @param {ReturnType<typeof lost>} situation @param {number} until_ms */
function restarts(recovery, situation, until_ms) {
  const at_ms = [];
  for (let now_ms = 0; now_ms <= until_ms; now_ms += 250) if (recovery.tick(situation, now_ms)) at_ms.push(now_ms);
  return at_ms;
}

test("ICE restarts half a second after the loss is known, then with pauses of at most 7 s", () => {
  const at_ms = restarts(new Recovery({ random: () => 1 }), lost(), 40_000);
  assert.equal(at_ms[0], RESTART_AFTER_MS);
  const pauses_ms = at_ms.slice(1).map((time_ms, index) => time_ms - /** @type {number} */ (at_ms[index]));
  assert.deepEqual(pauses_ms.slice(0, 3), [3000, 6000, 7000]);
  assert.ok(Math.max(...pauses_ms) <= 7000);
});

test("a failed ICE state restarts at once", () => {
  assert.equal(restarts(new Recovery(), lost({ pulse: "unknown", ice_state: "failed" }), 0).length, 1);
});

test("nothing is restarted while the peer cannot answer, and the wait is over when it can", () => {
  const recovery = new Recovery();
  assert.deepEqual(restarts(recovery, lost({ reachable: false }), 60_000), []);
  recovery.hurry();
  assert.equal(recovery.tick(lost(), 60_250), true);
});

test("a first connection gets ten seconds", () => {
  const [first_ms] = restarts(new Recovery(), lost({ pulse: "unknown", ice_state: "checking" }), 20_000);
  assert.equal(first_ms, 10_000);
});

test("a live connection is left alone and forgets past trouble", () => {
  const recovery = new Recovery({ random: () => 1 });
  restarts(recovery, lost(), 20_000);
  assert.ok(recovery.attempts > 1);
  assert.equal(recovery.tick(lost({ pulse: "alive", ice_state: "connected" }), 21_000), false);
  assert.equal(recovery.attempts, 0);
});
