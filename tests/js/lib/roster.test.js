import assert from "node:assert/strict";
import { test } from "node:test";

import { Roster } from "../../../static/js/lib/roster.js";

const media = { mic: true, camera: true, screen: false, hand: false };
const keys = (/** @type {{key: string}[]} */ said) => said.map(({ key }) => key);

test("hands are numbered in the order in which they went up, and close up when one goes down", () => {
  const roster = new Roster();
  for (const [index, id] of ["b", "a", "c"].entries()) roster.take_media(id, { ...media, hand: true, hand_at_ms: 1000 + index });
  roster.take_media("a", { ...media, hand: true, hand_at_ms: 1001, mic: false });
  assert.deepEqual(["a", "b", "c"].map((id) => roster.of(id).hand), [2, 1, 3]);
  roster.take_media("b", media);
  assert.deepEqual(["a", "b", "c"].map((id) => roster.of(id).hand), [1, 0, 2]);
});

test("hands stand in the order in which they went up, whatever order a page hears of them in", () => {
  const raised = [["a", 3000], ["b", 1000], ["c", 2000]];
  for (const [first, second, third] of [[0, 1, 2], [2, 1, 0], [1, 0, 2]]) {
    const roster = new Roster();
    for (const index of [first, second, third]) {
      const [id, hand_at_ms] = /** @type {[string, number]} */ (raised[/** @type {number} */ (index)]);
      roster.take_media(id, { ...media, hand: true, hand_at_ms });
    }
    assert.deepEqual(roster.hands, ["b", "c", "a"]);
  }
});

test("two hands of one moment have one order on every page; whose page does not say when stands last; up again is a new place", () => {
  const roster = new Roster();
  roster.take_media("old", { ...media, hand: true });
  for (const id of ["b", "a"]) roster.take_media(id, { ...media, hand: true, hand_at_ms: 1000 });
  assert.deepEqual(roster.hands, ["a", "b", "old"]);
  roster.take_media("a", media);
  roster.take_media("a", { ...media, hand: true, hand_at_ms: 5000 });
  assert.deepEqual(roster.hands, ["b", "a", "old"]);
});

test("only changes are told, and a hand or screen that came along with the person", () => {
  const roster = new Roster();
  assert.deepEqual(roster.take_media("a", { ...media, mic: false, camera: false }), []);
  assert.deepEqual(keys(roster.take_media("a", { ...media, hand: true })), ["call_said_unmuted", "call_said_camera_on", "call_said_hand_up"]);
  assert.deepEqual(roster.take_media("a", { ...media, hand: true }), []);
  assert.deepEqual(keys(roster.take_media("a", media)), ["call_said_hand_down"]);
  assert.deepEqual(keys(roster.take_media("b", { ...media, screen: true })), ["call_said_sharing"]);
});

test("an interruption is told once, and its end once", () => {
  const roster = new Roster();
  assert.deepEqual(roster.take_pulse("a", "alive"), []);
  assert.deepEqual(keys(roster.take_pulse("a", "lost")), ["call_said_interrupted"]);
  assert.deepEqual(roster.take_pulse("a", "lost"), []);
  assert.equal(roster.of("a").lost, true);
  assert.deepEqual(keys(roster.take_pulse("a", "alive")), ["call_said_reconnected"]);
  assert.equal(roster.of("a").lost, false);
});

test("who is muted or away does not speak", () => {
  const roster = new Roster();
  roster.take_speakers({ order: ["a", "b"], speaking: ["a", "b"] });
  roster.take_media("a", { ...media, mic: false });
  assert.deepEqual(["a", "b"].map((id) => roster.of(id).speaking), [false, true]);
  roster.take_pulse("b", "lost");
  assert.equal(roster.of("b").speaking, false);
  assert.deepEqual(roster.speakers, ["a", "b"]);
});

test("whoever leaves takes everything along; coming back begins anew", () => {
  const roster = new Roster();
  roster.take_media("a", { ...media, hand: true, camera: false });
  roster.take_pulse("a", "lost");
  roster.take_quality("a", "poor");
  roster.take_speakers({ order: ["a"], speaking: ["a"] });
  roster.keep([]);
  assert.deepEqual(roster.of("a"), { mic: true, camera: true, screen: false, hand: 0, lost: false, speaking: false, word: "", height: null });
  assert.deepEqual([roster.hands, roster.speakers], [[], []]);
});

test("a quality that is no word of ours is not shown", () => {
  const roster = new Roster();
  roster.take_quality("a", "superb");
  assert.equal(roster.of("a").word, "");
  roster.take_quality("a", "fair", 180);
  assert.deepEqual([roster.of("a").word, roster.of("a").height], ["fair", 180]);
});
