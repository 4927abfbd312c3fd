import assert from "node:assert/strict";
import { test } from "node:test";
import { answer_identity, compact_offer } from "../../../static/js/lib/offer_text.js";
import { receive_kinds, SEND_LINES, slot_of_source } from "../../../static/js/lib/sfu_lines.js";
import { camera_encodings, DEFAULT_LAYERS, layer_count } from "../../../static/js/lib/simulcast.js";

test("a room has a voice for each of the others, a picture for each and one for a screen", () => {
  assert.deepEqual(receive_kinds(3), ["audio", "audio", "video", "video", "video"]);
  assert.deepEqual(receive_kinds(2), ["audio", "video", "video"]);
  assert.equal(receive_kinds(8).length, 15);
  assert.deepEqual(SEND_LINES.map(({ source }) => source), ["microphone", "camera", "screen"]);
  assert.deepEqual(["microphone", "camera", "screen", "hologram"].map(slot_of_source), ["audio", "video", "screen", null]);
});

test("a picture is sent in as many layers as its size is worth", () => {
  const count = (/** @type {number} */ width, /** @type {number} */ height) => layer_count({ width, height }, 3);
  assert.deepEqual([count(1280, 720), count(960, 540), count(540, 960), count(956, 540), count(640, 360), count(480, 270), count(320, 180)], [3, 3, 3, 2, 2, 2, 1]);
  assert.equal(layer_count(null, 3), 3);
  assert.equal(layer_count({ width: 1280, height: 720 }, 2), 2);
});

test("rids stay, lowest first; those that a small picture is not worth are off, the highest first", () => {
  const shape = (/** @type {{width: number, height: number}|null} */ capture) =>
    camera_encodings(DEFAULT_LAYERS, capture).map(({ rid, active, scaleResolutionDownBy }) => (active ? `${rid}/${scaleResolutionDownBy}` : `-${rid}`));
  assert.deepEqual(shape({ width: 1280, height: 720 }), ["l/4", "m/2", "h/1"]);
  assert.deepEqual(shape({ width: 640, height: 360 }), ["l/2", "m/1", "-h"]);
  assert.deepEqual(shape({ width: 320, height: 180 }), ["l/1", "-m", "-h"]);
  assert.deepEqual(shape(null), ["l/4", "m/2", "h/1"]);
  assert.deepEqual(camera_encodings(DEFAULT_LAYERS, null).map(({ maxBitrate }) => maxBitrate), [100_000, 350_000, 1_500_000]);
});

const OFFER = [
  "v=0",
  "o=- 1 2 IN IP4 127.0.0.1",
  "a=group:BUNDLE 0 1",
  "m=audio 50000 UDP/TLS/RTP/SAVPF 111 63 0",
  "a=candidate:1 1 udp 1 192.168.1.7 50000 typ host",
  "a=mid:0",
  "a=rtpmap:111 opus/48000/2",
  "a=rtcp-fb:111 transport-cc",
  "a=fmtp:111 minptime=10;useinbandfec=1",
  "a=rtpmap:63 red/48000/2",
  "a=fmtp:63 111/111",
  "a=rtpmap:0 PCMU/8000",
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99",
  "a=mid:1",
  "a=end-of-candidates",
  "a=rtpmap:96 VP8/90000",
  "a=rtcp-fb:96 nack pli",
  "a=rtpmap:97 rtx/90000",
  "a=fmtp:97 apt=96",
  "a=rtpmap:98 VP9/90000",
  "a=fmtp:98 profile-id=0",
  "a=rtpmap:99 rtx/90000",
  "a=fmtp:99 apt=98",
  "a=rid:l send",
  "",
].join("\r\n");

test("an offer leaves with one codec of each kind, its retransmission, and no address", () => {
  assert.equal(
    compact_offer(OFFER, ["audio/opus", "video/VP8"]),
    [
      "v=0",
      "o=- 1 2 IN IP4 127.0.0.1",
      "a=group:BUNDLE 0 1",
      "m=audio 50000 UDP/TLS/RTP/SAVPF 111",
      "a=mid:0",
      "a=rtpmap:111 opus/48000/2",
      "a=rtcp-fb:111 transport-cc",
      "a=fmtp:111 minptime=10;useinbandfec=1",
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
      "a=mid:1",
      "a=rtpmap:96 VP8/90000",
      "a=rtcp-fb:96 nack pli",
      "a=rtpmap:97 rtx/90000",
      "a=fmtp:97 apt=96",
      "a=rid:l send",
      "",
    ].join("\r\n"),
  );
});

test("a browser without the wanted codec offers what it has: the server says why it cannot", () => {
  const compact = compact_offer(OFFER, ["video/AV1"]);
  assert.match(compact, /^m=video 9 UDP\/TLS\/RTP\/SAVPF 96 97 98 99\r$/m);
  assert.match(compact, /VP9/);
});

test("answers of one connection have one identity, whatever else changes", () => {
  const answer = (/** @type {string} */ session, /** @type {number} */ version, /** @type {string} */ certificate) =>
    `v=0\r\no=- ${session} ${version} IN IP4 0.0.0.0\r\na=ice-ufrag:${version}abcd\r\na=fingerprint:sha-256 ${certificate}\r\n`;
  const first = answer_identity(answer("77", 1, "AA:BB"));
  assert.equal(answer_identity(answer("77", 2, "aa:bb")), first);
  assert.notEqual(answer_identity(answer("78", 1, "AA:BB")), first);
  assert.notEqual(answer_identity(answer("77", 1, "AA:CC")), first);
});
