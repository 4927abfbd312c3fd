import assert from "node:assert/strict";
import { test } from "node:test";
import { Interruptions } from "../../../static/js/lib/interruptions.js";
import { QualityWindow } from "../../../static/js/lib/quality_window.js";

/** @import { Rates, StreamRates } from "../../../static/js/lib/stats_math.js" */

const STREAM = { bitrate_bps: 500_000, loss: 0, jitter_ms: 5, fps: 30, freeze: 0, concealed: 0, frames: 30, samples: 48_000 };
const CAMERA = { peer_camera: true };

/** @param {Partial<StreamRates>} received @param {Partial<StreamRates>} [sent] @returns {Rates} */
const second_of = (received, sent = {}) => ({
  interval_ms: 1000,
  pair: { local: "srflx", remote: "srflx", protocol: "udp", rtt_ms: 40, available_out_bps: 2_000_000, received: 1 },
  streams: { "in:video": { ...STREAM, ...received }, "out:video": { ...STREAM, ...sent } },
});
const LOST = { loss: 0.8, freeze: 1, fps: 0 };

/**
 * Scores of the picture, a reading a second. The path carries nothing from each of `breaks` on for three seconds; the other
 * end's report of that counts for five seconds after.
 *
 * @param {number[]} breaks @param {number} seconds @param {(interruptions: Interruptions, now_ms: number) => boolean} [mend]
 */
function scores(breaks, seconds, mend = (interruptions, now_ms) => interruptions.mended(now_ms)) {
  const [window, interruptions] = [new QualityWindow(), new Interruptions()];
  /** @type {(number|null)[]} */
  const found = [];
  for (let second = 1; second <= seconds; second += 1) {
    const since = Math.min(...breaks.map((at) => (second > at ? second - at : Infinity)));
    if (since === 4 && mend(interruptions, 1000 * second - 500)) window.forget();
    const reading = interruptions.reading(second_of(since <= 4 ? LOST : {}, since > 3 && since <= 9 ? { loss: 0.8 } : {}), 1000 * second);
    // While nothing comes nothing is reported either.
    if (since > 3 && reading) window.take(reading, CAMERA, 1000 * second);
    found.push(since > 3 ? (window.measured()?.video?.score ?? null) : null);
  }
  return found;
}

test("what an interruption lost says nothing of the path that carries again", () => {
  const after = scores([20], 40).slice(20);
  assert.deepEqual(after.filter((score) => score !== null && score < 70), []);
  assert.equal(after.filter((score) => score !== null).length, 16, "it is judged anew from the second second on");
});

test("the control: without forgiveness a path that is well again is unacceptable for ten seconds", () => {
  const poor = scores([20], 40, () => false).filter((score) => score !== null && score < 40);
  assert.ok(poor.length >= 10, String(poor.length));
});

test("a path that is interrupted again within a minute keeps its memory", () => {
  const after = scores([20, 40], 60).slice(40);
  assert.ok(after.filter((score) => score !== null && score < 40).length >= 5);
});

test("a minute later one more is forgiven", () => {
  const after = scores([20, 100], 120).slice(100);
  assert.deepEqual(after.filter((score) => score !== null && score < 70), []);
});

test("real loss after it is soon seen", () => {
  const [window, interruptions] = [new QualityWindow(), new Interruptions()];
  interruptions.mended(0);
  for (let second = 1; second <= 3; second += 1) {
    const reading = interruptions.reading(second_of({ loss: 0.2 }), 1000 * second);
    if (reading) window.take(reading, CAMERA, 1000 * second);
  }
  assert.ok((window.measured()?.video?.score ?? 100) < 40);
});
