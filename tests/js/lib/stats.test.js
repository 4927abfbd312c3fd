import assert from "node:assert/strict";
import { test } from "node:test";
import { MediaProof } from "../../../static/js/lib/proof.js";
import { judge, SteadyQuality } from "../../../static/js/lib/quality.js";
import { rates_between, relay_host, round_trip_ms, route_of, sample, selected_pair } from "../../../static/js/lib/stats_math.js";

/** @import { Rates, StreamRates } from "../../../static/js/lib/stats_math.js" */

const PAIRS = [
  { type: "local-candidate", id: "L1", candidateType: "host", protocol: "udp" },
  { type: "local-candidate", id: "L2", candidateType: "relay", protocol: "udp", relayProtocol: "tls", url: "turns:turn.clinic.example:443?transport=tcp" },
  { type: "remote-candidate", id: "R1", candidateType: "srflx" },
  { type: "candidate-pair", id: "P1", localCandidateId: "L1", remoteCandidateId: "R1", nominated: true, currentRoundTripTime: 0.02 },
  { type: "candidate-pair", id: "P2", localCandidateId: "L2", remoteCandidateId: "R1", nominated: true, currentRoundTripTime: 0.08, availableOutgoingBitrate: 900_000 },
];

test("of several nominated pairs the transport's is the selected one", () => {
  const pair = selected_pair([...PAIRS, { type: "transport", id: "T", selectedCandidatePairId: "P2" }]);
  assert.deepEqual(pair, { local: "relay", remote: "srflx", protocol: "tls", relay: "turn.clinic.example", rtt_ms: 80, available_out_bps: 900_000, received: 0 });
});

test("without transport statistics the pair that says so is selected (Firefox), and else none", () => {
  const [first, ...others] = PAIRS.toReversed();
  assert.equal(selected_pair(PAIRS), null);
  assert.equal(selected_pair([...others, { .../** @type {any} */ (first), selected: true }])?.local, "relay");
});

test("a relay is told by its name, and only by that", () => {
  assert.equal(relay_host("turn:[2001:db8::7]:3478?transport=udp"), "2001:db8::7");
  assert.equal(relay_host("turn:turn.clinic.example"), "turn.clinic.example");
  assert.equal(relay_host("turn:10.0.0.1:3478?transport=udp"), "10.0.0.1");
  for (const url of [undefined, "", "stun:turn.clinic.example:3478", "turn:a b"]) assert.equal(relay_host(url), "");
});

test("a relay behind a translated address is still a relay", () => {
  const stats = PAIRS.map((stat) => (stat.id === "L2" ? { ...stat, candidateType: "prflx" } : stat));
  assert.equal(selected_pair([...stats, { type: "transport", id: "T", selectedCandidatePairId: "P2" }])?.local, "relay");
});

test("a relay on either side is a relay", () => {
  const pair = { local: "host", remote: "host", protocol: "udp", rtt_ms: 1, available_out_bps: null, received: 0 };
  assert.equal(route_of(pair), "direct");
  assert.equal(route_of({ ...pair, remote: "prflx" }), "direct");
  assert.equal(route_of({ ...pair, local: "relay" }), "relay");
  assert.equal(route_of({ ...pair, remote: "relay" }), "relay");
  assert.equal(route_of(null), "");
});

/** @param {Record<string, number>} video @param {Record<string, number>} [audio] */
const inbound = (video, audio = {}) => [
  { type: "inbound-rtp", id: "IV", mid: "1", kind: "video", ...video },
  { type: "inbound-rtp", id: "IA", mid: "0", kind: "audio", ...audio },
];
const SLOTS = { 0: "audio", 1: "video", 2: "screen" };

test("two samples give rates, ratios and counts", () => {
  const before = sample(
    inbound(
      { packetsReceived: 100, packetsLost: 0, bytesReceived: 10_000, framesDecoded: 50, totalFreezesDuration: 0, jitter: 0.01 },
      { totalSamplesReceived: 48_000, concealedSamples: 0, silentConcealedSamples: 0 },
    ), SLOTS, 0);
  const after = sample(
    inbound(
      { packetsReceived: 190, packetsLost: 10, bytesReceived: 135_000, framesDecoded: 80, totalFreezesDuration: 0.1, jitter: 0.02 },
      { totalSamplesReceived: 96_000, concealedSamples: 9600, silentConcealedSamples: 4800 },
    ), SLOTS, 1000);
  const { streams } = rates_between(before, after);
  assert.deepEqual(streams["in:video"], {
    bitrate_bps: 1_000_000, loss: 0.1, jitter_ms: 20, fps: 30, freeze: 0.1, concealed: null, frames: 30, samples: 0,
  });
  assert.equal(streams["in:audio"]?.concealed, 0.1);
  assert.equal(streams["in:audio"]?.samples, 48_000);
});

test("counters that went backwards count from zero, and a late packet is no loss", () => {
  const before = sample(inbound({ packetsReceived: 1000, packetsLost: 9, framesDecoded: 500 }), SLOTS, 0);
  const after = sample(inbound({ packetsReceived: 30, packetsLost: 8, framesDecoded: 10 }), SLOTS, 1000);
  const video = rates_between(before, after).streams["in:video"];
  assert.equal(video?.frames, 10);
  assert.equal(video?.loss, 0);
});

test("what the peer says of our stream is its loss and jitter", () => {
  const stats = [
    { type: "outbound-rtp", id: "OV", mid: "1", kind: "video", remoteId: "RR", framesEncoded: 30, bytesSent: 1000 },
    { type: "remote-inbound-rtp", id: "RR", fractionLost: 0.25, jitter: 0.04 },
  ];
  const empty = sample([], SLOTS, 0);
  const video = rates_between(empty, sample(stats, SLOTS, 1000)).streams["out:video"];
  assert.equal(video?.loss, 0.25);
  assert.equal(video?.jitter_ms, 40);
});

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

for (const [name, changes, word, factor] of /** @type {[string, Parameters<typeof rates>[0], string, string|null][]} */ ([
  ["a calm call", {}, "good", null],
  ["round trip 199 ms", { pair: { rtt_ms: 199 } }, "good", null],
  ["round trip 201 ms", { pair: { rtt_ms: 201 } }, "fair", "rtt"],
  ["round trip 301 ms", { pair: { rtt_ms: 301 } }, "poor", "rtt"],
  ["picture loss 3 %", { "in:video": { loss: 0.03 } }, "fair", "loss"],
  ["picture loss 7 %", { "in:video": { loss: 0.07 } }, "poor", "loss"],
  ["our picture loses 7 %", { "out:video": { loss: 0.07 } }, "poor", "loss"],
  ["sound loss 3 %", { "in:audio": { loss: 0.03 } }, "fair", "loss"],
  ["sound loss 8 %", { "in:audio": { loss: 0.08 } }, "poor", "loss"],
  ["jitter 32 ms", { "in:audio": { jitter_ms: 32 } }, "fair", "jitter"],
  ["jitter 36 ms", { "in:audio": { jitter_ms: 36 } }, "poor", "jitter"],
  ["path carries 500 kbit/s", { pair: { available_out_bps: 500_000 } }, "fair", "bitrate"],
  ["path carries 300 kbit/s", { pair: { available_out_bps: 300_000 } }, "poor", "bitrate"],
  ["path carries 300 kbit/s, our camera is off", { pair: { available_out_bps: 300_000 }, "out:video": { frames: 0 } }, "good", null],
  ["17 frames", { "in:video": { fps: 17 } }, "fair", "frames"],
  ["12 frames", { "in:video": { fps: 12 } }, "poor", "frames"],
  ["frozen 6 % of the time", { "in:video": { freeze: 0.06 } }, "poor", "freeze"],
  ["a tenth of the sound invented", { "in:audio": { concealed: 0.1 } }, "poor", "sound"],
  ["the worst factor is named", { pair: { rtt_ms: 250 }, "in:video": { loss: 0.2 } }, "poor", "loss"],
])) {
  test(`${name} is ${word}`, () => assert.deepEqual(judge(rates(changes), CAMERA), { word, factor }));
}

test("a peer without a picture is not blamed for missing frames", () => {
  assert.equal(judge(rates({ "in:video": { fps: 0, freeze: 1 } }), { peer_camera: false }).word, "good");
});

test("the word follows after 3 s of worse and 5 s of better, not sooner", () => {
  const steady = new SteadyQuality();
  /** @type {import("../../../static/js/lib/quality.js").Verdict} */
  const poor = { word: "poor", factor: "loss" };
  /** @type {import("../../../static/js/lib/quality.js").Verdict} */
  const good = { word: "good", factor: null };
  const words = [];
  for (let second = 0; second < 20; second += 1) {
    const verdict = second < 1 ? good : second < 8 ? poor : second === 10 ? poor : good;
    words.push(steady.settle(verdict, second * 1000).word);
  }
  assert.equal(words.indexOf("poor"), 4);
  assert.equal(words.lastIndexOf("poor"), 15);
});

test("a connection is proved only when both sides have seen or heard something", () => {
  const proof = new MediaProof();
  assert.equal(proof.observe(rates(), null), false, "the peer has not said what it sends");
  proof.hear_from_peer();
  assert.equal(proof.complete, false);
  const nothing = rates({ "in:video": { frames: 0 }, "in:audio": { samples: 0 } });
  assert.equal(proof.observe(nothing, ["audio", "video"]), false);
  assert.equal(proof.observe(rates(), ["audio", "video"]), true);
  assert.equal(proof.complete, true);
  assert.equal(proof.observe(rates(), ["audio", "video"]), false, "told to the peer once");
});

test("pictures of a peer that claims to have no camera prove nothing, and a watcher needs none", () => {
  const silent = { "in:audio": { samples: 0 } };
  assert.equal(new MediaProof().observe(rates(silent), ["audio"]), false);
  assert.equal(new MediaProof().observe(rates(silent), []), true);
  const steady = new MediaProof({ frames_needed: 60 });
  assert.equal(steady.observe(rates(silent), ["video"]), false);
  assert.equal(steady.observe(rates(silent), ["video"]), true);
});

test("the newest report of a round trip counts, not the smallest", () => {
  /** @param {[number, number]} audio @param {[number, number]} video round trip in seconds, when the report came */
  const rates = (audio, video) => {
    const told = Object.entries({ audio, video }).flatMap(([slot, [roundTripTime, timestamp]]) => [
      { type: "outbound-rtp", id: slot, mid: slot, remoteId: `${slot} told` },
      { type: "remote-inbound-rtp", id: `${slot} told`, roundTripTime, timestamp },
    ]);
    const taken = sample(told, { audio: "audio", video: "video" }, 1000);
    return rates_between({ ...taken, at_ms: 0 }, taken);
  };
  assert.equal(round_trip_ms(rates([0.002, 4000], [0.4, 9000])), 400, "sound is reported on every five seconds only");
  assert.equal(round_trip_ms(rates([0.03, 9500], [0.4, 9000])), 30);
  assert.equal(round_trip_ms(rates([0.4, 9000], [0.39, 9000])), 390);
});
