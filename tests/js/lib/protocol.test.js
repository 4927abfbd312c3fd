import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff_ms } from "../../../static/js/lib/backoff.js";
import { ChatLog, MAX_MESSAGES, MAX_TEXT_LENGTH } from "../../../static/js/lib/chat_log.js";
import { prefer_codecs } from "../../../static/js/lib/codecs.js";
import { level_dbfs, meter_fraction, SilenceDetector } from "../../../static/js/lib/levels.js";
import { final_close_reason, hello, parse, signal, socket_lookup_path, stream_id } from "../../../static/js/lib/protocol.js";

test("where a page asks for its socket's address", () => {
  assert.equal(socket_lookup_path("/ws/visit/Ab1/?as=seat"), "/v/Ab1/socket/");
  assert.equal(socket_lookup_path("wss://clinic.example/rtc/1/ws/visit/Ab1/?as=staff"), "/visit/Ab1/socket/");
  assert.equal(socket_lookup_path("ws://localhost:5000/?me=a"), null);
});

test("close codes after which the page stays away, and those after which it comes back", () => {
  for (const code of [4400, 4401, 4403, 4404, 4409, 4410, 4413]) assert.ok(final_close_reason(code), String(code));
  for (const code of [1000, 1001, 1006, 1011, 1012, 4408, 4429]) assert.equal(final_close_reason(code), null, String(code));
});

test("what is no message is none", () => {
  for (const text of ["", "{", "[]", "null", "7", '{"no":"type"}', '{"type":7}', undefined, new ArrayBuffer(2)]) assert.equal(parse(text), null);
  assert.deepEqual(parse('{"type":"pong","rev":3}'), { type: "pong", rev: 3 });
});

test("messages carry the words of docs/PROTOCOL.md", () => {
  assert.deepEqual(hello("page-one", 4), { type: "hello", v: 1, page: "page-one", rev: 4 });
  assert.deepEqual(signal("B", stream_id("page-one", "page-two"), 1, { kind: "restart" }), {
    type: "signal", to: "B", stream: "page-one.page-two", seq: 1, body: { kind: "restart" },
  });
});

test("pauses double from 0.3 s to 7 s, at least half of each is kept", () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 1000].map((attempt) => backoff_ms(attempt, { random: () => 1 }));
  assert.deepEqual(longest, [300, 600, 1200, 2400, 4800, 7000, 7000, 7000]);
  assert.deepEqual([0, 5].map((attempt) => backoff_ms(attempt, { random: () => 0 })), [150, 3500]);
});

test("preferred codecs come first and none is lost", () => {
  const types = ["video/VP9", "video/rtx", "video/H264", "video/VP8", "video/red", "video/VP8"];
  const codecs = types.map((mimeType, place) => ({ mimeType, place }));
  const ordered = prefer_codecs(codecs, ["video/vp8"]);
  assert.deepEqual(ordered.map(({ place }) => place), [3, 5, 0, 1, 2, 4]);
});

test("levels: full scale, a quiet room, digital silence", () => {
  assert.equal(level_dbfs(new Float32Array([1, -1, 1, -1])), 0);
  assert.equal(Math.round(level_dbfs(new Float32Array(100).fill(0.001))), -60);
  assert.equal(level_dbfs(new Float32Array(100)), -Infinity);
  assert.deepEqual([-Infinity, -60, -35, -10, 0].map(meter_fraction), [0, 0, 0.5, 1, 1]);
});

test("a microphone is silent after four seconds without any sound, and not after a pause in speech", () => {
  const detector = new SilenceDetector();
  assert.equal(detector.hear(-Infinity, 0), false);
  assert.equal(detector.hear(-90, 3900), false);
  assert.equal(detector.hear(-90, 4000), true);
  assert.equal(detector.hear(-55, 4100), false);
  assert.equal(detector.hear(-90, 5000), false);
});

/** @param {string} id @param {number} at_ms */
const message = (id, at_ms) => ({ id, from: "anna", at_ms, text: id });

test("merging two chat logs gives the same whoever goes first, doubles once", () => {
  const messages = [message("a", 3), message("b", 1), message("c", 2), message("b", 1)];
  for (const order of [messages, messages.toReversed()]) {
    const log = new ChatLog();
    for (const each of order) log.add(each);
    assert.deepEqual(log.messages.map(({ id }) => id), ["b", "c", "a"]);
  }
});

test("a chat log takes nothing malformed and has an end", () => {
  const log = new ChatLog();
  const good = message("a", 1);
  for (const bad of [null, "text", {}, { ...good, text: "" }, { ...good, text: "x".repeat(MAX_TEXT_LENGTH + 1) }, { ...good, at_ms: NaN },
    { ...good, id: "" }, { ...good, id: "x".repeat(65) }, { ...good, from: 7 }]) assert.equal(log.add(bad), false);
  for (let index = 0; index < MAX_MESSAGES; index += 1) assert.equal(log.add(message(`m${index}`, index)), true);
  assert.equal(log.add(message("one more", 1)), false);
});
