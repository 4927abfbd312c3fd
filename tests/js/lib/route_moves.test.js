import assert from "node:assert/strict";
import { test } from "node:test";
import { Adaptation } from "../../../static/js/lib/adaptation.js";
import { rates_as_between_two } from "../../../static/js/lib/leg_rates.js";
import { scores } from "../../../static/js/lib/quality.js";
import { quality_report } from "../../../static/js/lib/quality_report.js";
import { QualityWindow } from "../../../static/js/lib/quality_window.js";
import { SteadyPicture } from "../../../static/js/lib/steady_picture.js";
import { TrackGate } from "../../../static/js/lib/track_gate.js";
import { parse_stream_id, stream_id } from "../../../static/js/lib/protocol.js";

/** @import { Rates, StreamRates } from "../../../static/js/lib/stats_math.js" */

/** @param {{pair?: object, [stream: string]: Partial<StreamRates>|undefined}} [changes] @returns {Rates} */
function rates({ pair, ...changes } = {}) {
  const calm = { bitrate_bps: 500_000, loss: 0, jitter_ms: 5, fps: 30, freeze: 0, concealed: 0, frames: 30, samples: 48_000 };
  /** @type {Rates["streams"]} */
  const streams = {};
  for (const name of ["in:audio", "in:video", "out:audio", "out:video"]) streams[name] = { ...calm, ...changes[name] };
  const path = { local: "host", remote: "host", protocol: "udp", rtt_ms: 40, available_out_bps: 2_000_000, received: 0, ...pair };
  return { interval_ms: 1000, pair: path, streams };
}
const CAMERA = { peer_camera: true };

// --- scores ---

test("sound and picture have scores of their own: 70 is good, below 40 is not acceptable", () => {
  const { audio, video } = scores(rates({ "in:video": { loss: 0.08 } }), CAMERA);
  assert.deepEqual([audio?.factor, video?.factor], [null, "loss"]);
  assert.ok((audio?.score ?? 0) >= 70 && (video?.score ?? 100) < 40);
  assert.equal(scores(rates({ pair: { rtt_ms: 200 } }), CAMERA).audio?.score, 70);
  assert.equal(scores(rates({ pair: { rtt_ms: 300 } }), CAMERA).audio?.score, 40);
  assert.equal(scores(rates({ pair: { rtt_ms: 301 } }), CAMERA).audio?.score, 39);
});

test("the clinic's own limits count", () => {
  const limits = { rtt_ms: [50, 60], audio_loss: [1, 1], video_loss: [1, 1], jitter_ms: [99, 99], concealed: [1, 1], freeze: [1, 1], fps: [0, 0], out_bps: [0, 0] };
  assert.ok((scores(rates({ pair: { rtt_ms: 70 } }), CAMERA, /** @type {any} */ (limits)).video?.score ?? 100) < 40);
});

test("nothing is said of what is not there", () => {
  const silent = rates({ "out:video": { frames: 0 } });
  delete silent.streams["in:audio"];
  delete silent.streams["out:audio"];
  assert.deepEqual(scores(silent, { peer_camera: false }), { audio: null, video: null });
});

// --- window and report ---

/** @param {(second: number) => Rates} reading @param {number} seconds */
function watched(reading, seconds, window = new QualityWindow()) {
  for (let second = 0; second < seconds; second += 1) window.take(reading(second), CAMERA, 1000 * second);
  return window;
}

test("8 % loss that comes in an uneven way is unacceptable in every report from the second second on", () => {
  const uneven = [0.04, 0.12, 0.08, 0.03, 0.13, 0.09];
  const window = watched(() => rates(), 10);
  /** @type {number[]} */
  const reported = [];
  for (let second = 10; second < 30; second += 1) {
    window.take(rates({ "in:video": { loss: uneven[second % 6] } }), CAMERA, 1000 * second);
    if (second >= 12) reported.push(window.measured()?.video?.score ?? 100);
  }
  assert.ok(Math.max(...reported) < 40, String(reported));
});

test("one bad second is no bad connection", () => {
  const window = watched((second) => rates(second === 5 ? { "in:video": { loss: 0.1 } } : {}), 10);
  assert.ok((window.measured()?.video?.score ?? 0) >= 70);
});

test("a camera that never gave more than 8 frames is light, not the path; one that gave 30 is not", () => {
  const dim = watched(() => rates({ "in:video": { fps: 8 } }), 10);
  assert.ok((dim.measured()?.video?.score ?? 0) >= 70);
  const worse = watched((second) => rates({ "in:video": { fps: second < 10 ? 30 : 8 } }), 16);
  assert.equal(worse.measured()?.video?.factor, "frames");
});

test("the first estimate of a new connection says nothing", () => {
  const narrow = () => rates(/** @type {any} */ ({ pair: { available_out_bps: 100_000 } }));
  assert.equal(watched(narrow, 4).measured()?.video?.factor, null);
  assert.equal(watched(narrow, 10).measured()?.video?.factor, "bitrate");
});

test("of who sends little on purpose an estimate counts only when it is close to that", () => {
  /** @param {number} available_out_bps */
  const limited = (available_out_bps) => {
    const window = new QualityWindow();
    const reading = rates(/** @type {any} */ ({ pair: { available_out_bps }, "out:audio": { bitrate_bps: 40_000 }, "out:video": { bitrate_bps: 150_000 } }));
    for (let second = 0; second < 10; second += 1) window.take(reading, { ...CAMERA, limited: true }, 1000 * second);
    return window.measured()?.video?.factor;
  };
  assert.equal(limited(380_000), null);
  assert.equal(limited(200_000), "bitrate");
});

test("the report has every field of the protocol, and null for what was not measured", () => {
  const measured = watched(() => rates({ "in:audio": { loss: 0.01234567 } }), 8).measured();
  assert.ok(measured);
  const report = quality_report(measured, { engine: "p2p", warm: false, remedy: "lowered" });
  assert.deepEqual(report, {
    type: "quality", warm: false, engine: "p2p", audio: 85, video: 94, audio_factor: "", video_factor: "",
    rtt_ms: 40, jitter_ms: 5, loss_in: 0.0123, loss_out: 0, concealed: 0, freeze: 0, fps: 30,
    in_bps: 1_000_000, out_bps: 1_000_000, available_out_bps: 2_000_000, remedy: "lowered",
  });
  const nothing = quality_report({ audio: null, video: null, rates: { interval_ms: 1000, pair: null, streams: {} } }, { engine: "sfu", warm: true, remedy: "" });
  assert.deepEqual([nothing.audio, nothing.rtt_ms, nothing.loss_in, nothing.fps, nothing.in_bps], [null, null, null, null, 0]);
});

test("several people on a server count as the worst of them", () => {
  const leg = { interval_ms: 1000, pair: null, streams: {
    "in:3:audio": rates().streams["in:audio"], "in:4:video": rates({ "in:video": { loss: 0.01, fps: 25 } }).streams["in:video"],
    "in:5:video": rates({ "in:video": { loss: 0.3, fps: 4 } }).streams["in:video"],
  } };
  const own = { interval_ms: 1000, pair: null, streams: {} };
  const two = [{ mids: { audio: "3", video: "4" }, camera: true }, { mids: { video: "5" }, camera: true }];
  const all = rates_as_between_two(own, /** @type {any} */ (leg), two);
  assert.deepEqual([all.streams["in:video"]?.loss, all.streams["in:video"]?.fps, all.streams["in:video"]?.bitrate_bps], [0.3, 4, 1_000_000]);
  const shown = rates_as_between_two(own, /** @type {any} */ (leg), two.map((one, index) => ({ ...one, camera: index === 0 })));
  assert.equal(shown.streams["in:video"]?.loss, 0.01);
});

// --- swap ---

/** Frames of both pictures; the new one begins at `from_ms`. */
function two_pictures({ every_ms = 33, old_every_ms = 33, from_ms = 100, height = 360, old_height = 360, behind_ms = 0 }) {
  const steady = new SteadyPicture(0);
  for (let at = 1; at < 6000; at += 1) {
    if (at % old_every_ms === 0) steady.see(at, { height: old_height, captured_ms: at - 50 });
    if (at >= from_ms && (at - from_ms) % every_ms === 0) {
      steady.come(at, { height, captured_ms: at - 50 - behind_ms });
      if (steady.ready(at, { old_ended: false })) return at;
    }
  }
  return null;
}

test("five steady frames are enough", () => assert.equal(two_pictures({}), 100 + 4 * 33));
test("a picture that is older waits to catch up, for a second", () => assert.equal(two_pictures({ behind_ms: 200 }), 100 + 31 * 33));
test("a smaller picture waits to become sharp, for two seconds", () => assert.equal(two_pictures({ height: 180 }), 100 + 61 * 33));
test("while the old one stands still nothing is worth waiting for", () => assert.equal(two_pictures({ height: 90, behind_ms: 200, old_every_ms: 10_000, from_ms: 600 }), 600 + 4 * 33));
test("a screen of one frame a second takes over as well", () => assert.equal(two_pictures({ every_ms: 1000 }), 3100));

test("a picture that stutters does not take over, unless the old one has ended", () => {
  const steady = new SteadyPicture(0);
  steady.see(0, { height: 360, captured_ms: null });
  for (const at of [10, 20, 30, 600, 610]) steady.come(at, { height: 360, captured_ms: null });
  steady.see(600, { height: 360, captured_ms: null });
  assert.equal(steady.ready(610, { old_ended: false }), false);
  assert.equal(steady.ready(610, { old_ended: true }), true);
});

test("each track takes over when it plays; who sends nothing is waited for 1.5 s", () => {
  const gate = new TrackGate(["in:audio", "in:video"], 0);
  /** @param {Partial<StreamRates>} audio @param {Partial<StreamRates>} video */
  const streams = (audio, video) => rates({ "in:audio": audio, "in:video": video }).streams;
  assert.deepEqual(gate.take(streams({ samples: 12_000, concealed: 0.9 }, { frames: 3 }), 250), [], "invented sound is no sound");
  assert.deepEqual(gate.take(streams({ samples: 12_000, concealed: 0 }, { frames: 0 }), 500), ["in:audio"]);
  assert.deepEqual(gate.take(streams({}, { frames: 2 }), 750), ["in:video"]);
  assert.equal(gate.open, true);
  const silent = new TrackGate(["in:video"], 0);
  assert.deepEqual(silent.take({}, 1499), []);
  assert.deepEqual(silent.take({}, 1500), ["in:video"]);
});

// --- adaptation ---

/** @param {Adaptation} adaptation @param {(second: number) => Rates} reading @param {number} from @param {number} to */
function lived(adaptation, reading, from, to) {
  /** @type {[number, string][]} */
  const changes = [];
  for (let second = from; second < to; second += 1) if (adaptation.take(reading(second), 1000 * second)) changes.push([second, adaptation.step.remedy]);
  return changes;
}
const thin = () => rates({ "out:video": { loss: 0.2 } });

test("a thin way takes the picture down step by step, sound stays, and it comes back slowly", () => {
  const adaptation = new Adaptation("general");
  assert.deepEqual(lived(adaptation, () => rates(), 0, 10), []);
  const down = lived(adaptation, thin, 10, 30);
  assert.deepEqual(down.map(([, remedy]) => remedy), ["lowered", "lowered", "audio_first", "audio_only"]);
  assert.ok(/** @type {[number, string]} */ (down[0])[0] <= 13);
  assert.equal(adaptation.step.picture.active, false);
  const up = lived(adaptation, () => rates(), 30, 100);
  assert.deepEqual(up.map(([, remedy]) => remedy), ["audio_first", "lowered", "lowered", ""]);
});

test("who goes up too early waits twice as long the next time", () => {
  const adaptation = new Adaptation("general");
  // Two seconds of trouble whenever it sends in full again.
  const touchy = () => (adaptation.step.remedy === "" ? thin() : rates());
  const changes = lived(adaptation, touchy, 0, 200).filter(([, remedy]) => remedy === "");
  const pauses = changes.slice(1).map(([second], index) => second - /** @type {[number, string]} */ (changes[index])[0]);
  assert.ok(pauses.length >= 2);
  assert.ok(pauses.every((pause, index) => index === 0 || pause > /** @type {number} */ (pauses[index - 1]) || pause >= 60), String(pauses));
});

test("queues that grow count although nothing is lost; a hiccup and a far peer do not", () => {
  assert.equal(lived(new Adaptation("general"), (second) => rates({ pair: { rtt_ms: second < 5 ? 40 : 400 } }), 0, 9).length, 1);
  assert.deepEqual(lived(new Adaptation("general"), () => rates({ pair: { rtt_ms: 400 } }), 0, 20), []);
  const longer = lived(new Adaptation("general"), (second) => rates({ pair: { rtt_ms: second < 5 ? 40 : 440 } }), 0, 30);
  assert.deepEqual(longer.map(([, remedy]) => remedy), ["lowered", ""], "a way that is longer now is no queue of ours");
  assert.deepEqual(lived(new Adaptation("general"), (second) => (second === 5 ? thin() : rates()), 0, 20), []);
});

test("what the visit needs most is given up last: frames for movement, size for skin", () => {
  const [movement, skin] = [new Adaptation("neurology"), new Adaptation("dermatology")];
  for (const adaptation of [movement, skin]) lived(adaptation, thin, 0, 7);
  assert.equal(movement.step.picture.max_fps, null);
  assert.equal(skin.step.picture.scale, 1);
});

// --- names ---

test("connections of the same pages have numbers", () => {
  assert.equal(stream_id("a", "b"), "a.b");
  assert.deepEqual(parse_stream_id(stream_id("a", "b", 2)), { sender_page: "a", receiver_page: "b", generation: 2 });
  assert.equal(parse_stream_id("a.b").generation, 0);
});
