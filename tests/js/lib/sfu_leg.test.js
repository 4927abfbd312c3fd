import assert from "node:assert/strict";
import { test } from "node:test";
import { Heartbeat } from "../../../static/js/lib/heartbeat.js";
import { accepted, decoded, flows, own_rates, rates_of_peer, worse } from "../../../static/js/lib/leg_rates.js";
import { LegRecovery } from "../../../static/js/lib/leg_recovery.js";
import { is_proved } from "../../../static/js/lib/proof.js";
import { rates_between, sample } from "../../../static/js/lib/stats_math.js";

const WELL = { pulse: /** @type {import("../../../static/js/lib/heartbeat.js").Pulse} */ ("alive"), ice_state: "connected", connection_state: "connected", reachable: true };
/** @typedef {Partial<typeof WELL>} Change */

/** Ticks every 250 ms and writes down what was to be done when, in seconds. @param {LegRecovery} recovery @param {Change} change @param {number} from_ms @param {number} to_ms */
function run(recovery, change, from_ms, to_ms) {
  const steps = [];
  for (let now_ms = from_ms; now_ms < to_ms; now_ms += 250) {
    const step = recovery.tick({ ...WELL, ...change }, now_ms);
    if (step !== "none") steps.push(`${step} ${now_ms / 1000}`);
  }
  return steps;
}
const recovery_without_chance = () => new LegRecovery({ random: () => 0.999_999 });

test("a lost way is restarted twice, then there is a new connection", () => {
  const recovery = recovery_without_chance();
  assert.deepEqual(run(recovery, {}, 0, 5000), []);
  assert.deepEqual(run(recovery, { pulse: "lost" }, 5000, 15_000), ["restart 5.5", "restart 8.5", "renew 14.5"]);
});

test("a way that heals by itself costs nothing", () => {
  const recovery = recovery_without_chance();
  assert.deepEqual(run(recovery, { pulse: "lost" }, 0, 500), []);
  assert.deepEqual(run(recovery, {}, 500, 5000), []);
});

test("nothing is tried while no offer could be answered; what is due is done when it can", () => {
  const recovery = recovery_without_chance();
  assert.deepEqual(run(recovery, { pulse: "lost", reachable: false }, 0, 30_000), []);
  recovery.hurry();
  assert.deepEqual(run(recovery, { pulse: "lost" }, 30_000, 30_500), ["restart 30"]);
});

test("a connection that never came about gets ten seconds, then another takes its place", () => {
  const recovery = recovery_without_chance();
  assert.deepEqual(run(recovery, { pulse: "unknown", ice_state: "checking", connection_state: "connecting" }, 0, 21_000), ["renew 10", "renew 20.25"]);
});

test("keys that were not agreed on are not mended by ICE", () => {
  const recovery = recovery_without_chance();
  assert.deepEqual(run(recovery, { connection_state: "failed" }, 0, 1000), ["renew 0.25"]);
});

test("what the server ends begins anew at once, and more and more slowly while that does not help", () => {
  const recovery = recovery_without_chance();
  const gaps = [];
  for (let now_ms = 0, ended_ms = 0; gaps.length < 6; now_ms += 250) {
    if (now_ms === ended_ms) recovery.lose(now_ms);
    if (recovery.tick(WELL, now_ms) === "renew") {
      gaps.push(now_ms - ended_ms);
      ended_ms = now_ms + 250;
    }
  }
  assert.deepEqual(gaps, [0, 1000, 2000, 4000, 8000, 15_000]);
});

test("a connection that held for a while is forgiven its predecessors; a refusal is never repeated at once", () => {
  const recovery = recovery_without_chance();
  recovery.lose(0);
  assert.equal(recovery.tick(WELL, 0), "renew");
  assert.deepEqual(run(recovery, {}, 250, 12_000), []);
  recovery.lose(12_000);
  assert.equal(recovery.tick(WELL, 12_000), "renew");
  const refused = recovery_without_chance();
  refused.lose(0, { refused: true });
  assert.deepEqual(run(refused, {}, 0, 2000), ["renew 1"]);
});

test("another connection begins unheard, and what was lost stays lost until it is heard", () => {
  const heartbeat = new Heartbeat({ lost_after_ms: 2500 });
  heartbeat.hear(0);
  assert.equal(heartbeat.change(3000), "lost");
  heartbeat.begin_again();
  assert.equal(heartbeat.pulse(4000), "unknown");
  assert.equal(heartbeat.change(4000), null);
  heartbeat.hear(5000);
  assert.equal(heartbeat.change(5000), "alive");
});

const SLOTS = { 0: "audio", 1: "video", 2: "screen", 3: "3:audio", 5: "5:video" };
const STATS = [
  { type: "outbound-rtp", id: "OL", mid: "1", rid: "l", bytesSent: 1000, framesEncoded: 30, remoteId: "RL" },
  { type: "outbound-rtp", id: "OM", mid: "1", rid: "m", bytesSent: 3000, framesEncoded: 28, remoteId: "RM" },
  { type: "remote-inbound-rtp", id: "RL", fractionLost: 0.01, jitter: 0.004 },
  { type: "remote-inbound-rtp", id: "RM", fractionLost: 0.05, jitter: 0.002 },
  { type: "inbound-rtp", id: "IA", mid: "3", bytesReceived: 4000, packetsReceived: 50, totalSamplesReceived: 48_000 },
  { type: "inbound-rtp", id: "IV", mid: "5", bytesReceived: 90_000, packetsReceived: 90, framesDecoded: 15 },
];
const RATES = rates_between(sample([], SLOTS, 0), sample(STATS, SLOTS, 1000));

test("layers of one camera are one stream: bytes add up, frames and loss are the worst or most", () => {
  const video = RATES.streams["out:video"];
  assert.equal(video?.bitrate_bps, 32_000);
  assert.equal(video?.frames, 30);
  assert.equal(video?.loss, 0.05);
  assert.equal(video?.jitter_ms, 4);
});

test("readings are taken apart by person and by direction", () => {
  const of_anna = rates_of_peer({ ...RATES, pair: { local: "host", remote: "host", protocol: "udp", rtt_ms: 400, available_out_bps: null, received: 0 } }, { audio: "3", video: "5", screen: "6" });
  assert.deepEqual(Object.keys(of_anna.streams), ["in:audio", "in:video"]);
  assert.equal(of_anna.streams["in:video"]?.fps, 15);
  assert.equal(of_anna.pair, null, "this page's way to the server says nothing about theirs");
  assert.deepEqual(Object.keys(own_rates(RATES, 3).streams), ["out:video"]);
});

test("an estimate that one small layer cannot fill is no verdict on the path", () => {
  const pair = { local: "host", remote: "host", protocol: "udp", rtt_ms: 1, available_out_bps: 300_000, received: 1 };
  assert.equal(own_rates({ ...RATES, pair }, 1).pair?.available_out_bps, null);
  assert.equal(own_rates({ ...RATES, pair }, 2).pair?.available_out_bps, 300_000);
});

test("silence that the browser makes up itself is nobody's sound", () => {
  const made_up = rates_between(sample([], SLOTS, 0), sample([{ type: "inbound-rtp", id: "IA", mid: "3", bytesReceived: 0, totalSamplesReceived: 48_000, concealedSamples: 48_000 }], SLOTS, 1000));
  assert.deepEqual([decoded(RATES), decoded(made_up)], [true, false]);
  assert.deepEqual([accepted(RATES), accepted(made_up)], [true, false]);
  assert.deepEqual([flows(RATES), flows(made_up)], [true, false]);
});

test("the server's word counts where it is worse", () => {
  assert.deepEqual(worse({ word: "fair", factor: "loss" }, "poor"), { word: "poor", factor: null });
  assert.deepEqual(worse({ word: "fair", factor: "loss" }, "good"), { word: "fair", factor: "loss" });
  assert.deepEqual(worse({ word: "good", factor: null }, undefined), { word: "good", factor: null });
});

test("connected means: somebody is seen or heard; or nobody is there and what is sent is taken", () => {
  const all = { connected: true, decoded: false, expected: false, sends: false, accepted: false };
  assert.equal(is_proved(all), true);
  assert.equal(is_proved({ ...all, connected: false }), false);
  assert.equal(is_proved({ ...all, sends: true }), false);
  assert.equal(is_proved({ ...all, sends: true, accepted: true }), true);
  assert.equal(is_proved({ ...all, expected: true, sends: true, accepted: true }), false);
  assert.equal(is_proved({ ...all, expected: true, decoded: true }), true);
});
