import assert from "node:assert/strict";
import { test } from "node:test";

import { path_words, privacy_key, quality_words, tile_words } from "../../../static/js/lib/call_words.js";

const connected = { state: "connected", route: "direct" };

test("nothing is claimed about privacy or route before a connection stands", () => {
  assert.deepEqual(path_words([]), { route: "none", encrypted: false });
  assert.deepEqual(path_words([{ state: "connecting", route: "direct" }]), { route: "pending", encrypted: false });
  assert.deepEqual(path_words([{ state: "connected", route: "" }]), { route: "pending", encrypted: false });
  assert.deepEqual(path_words([connected, { state: "connecting", route: "" }]), { route: "pending", encrypted: false });
});

test("the route is the measured one", () => {
  assert.deepEqual(path_words([connected]), { route: "direct", encrypted: true });
  assert.deepEqual(path_words([{ state: "connected", route: "relay" }]), { route: "relay", encrypted: true });
  assert.deepEqual(path_words([connected, { state: "connected", route: "relay" }]), { route: "mixed", encrypted: true });
});

test("a lost or failed path is told, and the lock with it is gone", () => {
  assert.deepEqual(path_words([connected, { state: "lost", route: "direct" }]), { route: "lost", encrypted: false });
  assert.deepEqual(path_words([{ state: "failed", route: "" }]), { route: "failed", encrypted: false });
});

test("the limiting factor is told only when it matters", () => {
  const words = path_words([connected]);
  assert.deepEqual(quality_words({ word: "good", factor: null }, words), { key: "call_quality_good", tip: null });
  assert.deepEqual(quality_words({ word: "fair", factor: "rtt" }, words), { key: "call_quality_fair", tip: null });
  assert.deepEqual(quality_words({ word: "poor", factor: "rtt" }, words), { key: "call_quality_poor", tip: "call_tip_rtt" });
  assert.deepEqual(quality_words(null, words), { key: "call_quality_pending", tip: null });
});

test("an old verdict is not shown over a lost path", () => {
  const words = path_words([{ state: "lost", route: "direct" }]);
  assert.deepEqual(quality_words({ word: "good", factor: null }, words), { key: "call_quality_lost", tip: null });
});

const live = { present: true, path: "connected", camera: true, has_picture: true, stands_still: false };

test("a live picture needs no words", () => {
  assert.deepEqual(tile_words(live), { connection: "live", cover: null, frozen: null });
});

test("a lost connection marks the last frame as not live", () => {
  assert.deepEqual(tile_words({ ...live, path: "lost" }), { connection: "lost", cover: null, frozen: "call_peer_frozen" });
});

test("a lost connection without a picture shows the person as away", () => {
  assert.deepEqual(tile_words({ ...live, path: "lost", camera: false }), { connection: "lost", cover: "call_peer_away", frozen: null });
  assert.deepEqual(tile_words({ ...live, path: "failed", has_picture: false }), { connection: "lost", cover: "call_peer_away", frozen: null });
});

test("a camera that is off is said, not shown as black", () => {
  assert.deepEqual(tile_words({ ...live, camera: false }), { connection: "live", cover: "call_peer_no_camera", frozen: null });
});

test("a picture that stands still on a live connection is never shown as live", () => {
  assert.equal(tile_words({ ...live, stands_still: true }).frozen, "call_peer_stands_still");
  assert.equal(tile_words({ ...live, stands_still: true, camera: false }).frozen, null);
});

test("before the first connection it says who it connects, or who is not there", () => {
  assert.equal(tile_words({ ...live, path: "connecting" }).cover, "call_peer_connecting");
  assert.equal(tile_words({ ...live, path: "", present: false }).cover, "call_peer_away");
});

test("the way through the clinic's server is named, and never sold as encryption between the devices", () => {
  const words = path_words([{ state: "connected", route: "server" }]);
  assert.deepEqual(words, { route: "server", encrypted: true });
  assert.equal(privacy_key(words, "to_server"), "server");
  assert.equal(privacy_key(path_words([connected]), "transport"), "encrypted");
  assert.equal(privacy_key(path_words([connected]), "e2e_direct"), "e2e_direct");
  assert.equal(privacy_key(path_words([connected]), "pending"), "proving");
  assert.equal(privacy_key(path_words([{ state: "connecting", route: "server" }]), "e2e_server"), "pending");
  assert.equal(privacy_key(path_words([]), "alarm"), "alarm");
});

test("somebody else's interruption is told on their tile while our own path stands", () => {
  assert.deepEqual(tile_words({ ...live, lost: true }), { connection: "lost", cover: null, frozen: "call_peer_interrupted" });
  assert.deepEqual(tile_words({ ...live, lost: true, camera: false }), { connection: "lost", cover: "call_peer_interrupted", frozen: null });
  assert.deepEqual(tile_words({ ...live, lost: true, path: "lost" }), { connection: "lost", cover: null, frozen: "call_peer_frozen" });
});

test("a picture that the server holds back is told as such, a refused visit never as connecting", () => {
  assert.deepEqual(tile_words({ ...live, has_picture: false, paused: true }), { connection: "live", cover: "call_peer_paused", frozen: null });
  assert.deepEqual(tile_words({ ...live, path: "refused" }), { connection: "connecting", cover: "call_peer_here", frozen: null });
});
