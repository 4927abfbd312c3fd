import assert from "node:assert/strict";
import { test } from "node:test";
import { believable, history_pages, messages_for } from "../../../static/js/lib/chat_share.js";
import { media_state } from "../../../static/js/lib/media_state.js";
import { plan_path } from "../../../static/js/lib/path_plan.js";
import { SlotMap } from "../../../static/js/lib/slot_map.js";
import { MAX_WANTS, tidy_wants, untold_wants } from "../../../static/js/lib/view_wants.js";

/** @param {string} mid @param {string} participant @param {string} [source] */
const place = (mid, participant, source = "camera") => ({ mid, participant, source });

test("who leaves a slot is told before who comes into it", () => {
  const map = new SlotMap();
  assert.deepEqual(map.apply([place("3", "anna", "microphone"), place("5", "anna"), place("6", "")]), [
    { peer: "anna", slot: "audio", mid: "3" },
    { peer: "anna", slot: "video", mid: "5" },
  ]);
  assert.deepEqual(map.apply([place("5", "ben")]), [
    { peer: "anna", slot: "video", mid: null },
    { peer: "ben", slot: "video", mid: "5" },
  ]);
  assert.deepEqual(map.mids_of("anna"), { audio: "3" });
  assert.deepEqual([...map.peers], ["anna", "ben"]);
});

test("a picture that moves to another slot changes once, and a repeat changes nothing", () => {
  const map = new SlotMap();
  map.apply([place("5", "anna"), place("6", "ben", "screen")]);
  assert.deepEqual(map.apply([place("5", ""), place("6", "ben", "screen"), place("7", "anna")]), [{ peer: "anna", slot: "video", mid: "7" }]);
  assert.deepEqual(map.apply([place("7", "anna")]), []);
  assert.deepEqual(map.apply([place("8", "cleo", "hologram")]), []);
  assert.deepEqual(map.apply(undefined), []);
});

test("another connection brings other tracks of the same slots, and says who is gone", () => {
  const [older, newer] = [new SlotMap(), new SlotMap()];
  older.apply([place("5", "anna"), place("6", "ben")]);
  newer.apply([place("5", "anna")]);
  assert.deepEqual(newer.changes_from(older), [
    { peer: "ben", slot: "video", mid: null },
    { peer: "anna", slot: "video", mid: "5" },
  ]);
});

test("a view is told once per picture, whole pixels, the pinned and large first, never too many", () => {
  const want = (/** @type {string} */ participant, /** @type {number} */ height, pinned = false) =>
    ({ participant, source: /** @type {const} */ ("camera"), height, pinned });
  assert.deepEqual(tidy_wants([want("anna", 90.4), want("ben", 360), want("cleo", -2, true), want("anna", 180.6)]), [
    want("cleo", 0, true),
    want("ben", 360),
    want("anna", 181),
  ]);
  const crowd = Array.from({ length: 20 }, (_, index) => want(`p${index}`, 100 + index));
  assert.equal(tidy_wants(crowd).length, MAX_WANTS);
  assert.equal(tidy_wants(crowd)[0]?.participant, "p19");
  assert.deepEqual(untold_wants(["anna"]).map(({ source, height }) => [source, height]), [["screen", 720], ["camera", 360]]);
});

const LOG = [
  { id: "1", from: "anna", at_ms: 1, text: "a" },
  { id: "2", from: "ben", at_ms: 2, text: "b" },
  { id: "3", from: "gone", at_ms: 3, text: "g" },
  { id: "4", from: "newcomer", at_ms: 4, text: "n" },
];

test("together the others give a newcomer everything, each message once", () => {
  const people = ["ben", "anna", "newcomer"];
  const given = (/** @type {string} */ me) => messages_for(LOG, { me, peer: "newcomer", people }).map(({ id }) => id);
  assert.deepEqual(given("anna"), ["1", "3", "4"]);
  assert.deepEqual(given("ben"), ["2"]);
});

test("nobody is believed about what a third person wrote who is there", () => {
  const who = { me: "newcomer", sender: "ben", people: ["ben", "anna", "newcomer"] };
  assert.deepEqual(believable([...LOG, null, "x"], who), [LOG[1], LOG[2], LOG[3]]);
});

test("a history leaves in pages that fit a message", () => {
  const long = Array.from({ length: 7 }, (_, index) => ({ id: String(index), from: "anna", at_ms: index, text: "x".repeat(1500) }));
  assert.deepEqual(history_pages(long).map(({ length }) => length), [2, 2, 2, 1]);
  const short = Array.from({ length: 150 }, (_, index) => ({ id: String(index), from: "anna", at_ms: index, text: "" }));
  assert.ok(history_pages(short).every(({ length }) => length <= 100));
  assert.equal(history_pages(short).flat().length, 150);
  assert.deepEqual(history_pages([]), []);
});

test("what another page says of its devices is what it says and nothing more", () => {
  assert.deepEqual(media_state({ mic: true, camera: 1, hand: "yes", sends: ["audio", "video", "x"], name: "x" }), {
    mic: true, camera: false, screen: false, hand: false, hand_at_ms: 0, sends: ["audio", "video"],
  });
  const at = (/** @type {any} */ hand, /** @type {any} */ hand_at_ms) => media_state({ hand, hand_at_ms }).hand_at_ms;
  assert.deepEqual([at(true, 7), at(false, 7), at(true, -7), at(true, "7"), at(true, 1.5), at(true, 2 ** 60), at(true, null)], [7, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(media_state(null).sends, []);
});

/** @param {Record<string, any>|null} join @param {Record<string, any>[]} [participants] @param {string} [state] @returns {any} */
const snapshot = (join, participants = [], state = "live") => ({ room: { code: "x", state }, me: { id: "me" }, join, participants });
const P2P = { engine: "p2p", peers: [{ id: "ben", polite: true }] };

test("a path between two is of two pages; an absent peer keeps it, another peer does not", () => {
  const here = [{ id: "ben", page: "page-1" }];
  assert.deepEqual(plan_path(snapshot(P2P, here), ""), {
    engine: "p2p", key: "p2p ben page-1 true", peer: { id: "ben", polite: true }, peer_page: "page-1",
  });
  assert.equal(plan_path(snapshot(P2P, [{ id: "ben", page: null }]), "ben"), "keep");
  assert.equal(plan_path(snapshot(P2P, [{ id: "ben", page: null }]), "cleo"), null);
  assert.equal(plan_path(snapshot({ ...P2P, peers: [] }), "ben"), null);
});

test("the path to the server is one for everybody and stands while one is alone", () => {
  const key = (/** @type {Record<string, any>[]} */ peers) => {
    const plan = plan_path(snapshot({ engine: "sfu", room_size: 5, peers }), "");
    return plan === null || plan === "keep" ? plan : plan.key;
  };
  assert.equal(key([]), "sfu 5");
  assert.equal(key([{ id: "ben" }, { id: "cleo" }]), "sfu 5");
  assert.equal(plan_path(snapshot({ engine: "sfu", room_size: 5, peers: [] }, [], "ended"), ""), null);
  assert.equal(plan_path(snapshot(null), ""), null);
});
