import assert from "node:assert/strict";
import { test } from "node:test";

import { choose_large, keep_order, swap_to_front } from "../../../static/js/lib/stage_order.js";

const anna = { id: "anna", role: "practitioner" };
const ben = { id: "ben", role: "patient" };
const cem = { id: "cem", role: "interpreter" };
const dora = { id: "dora", role: "relative" };

test("practitioner and patient stand first; who comes later stands last and moves nobody", () => {
  assert.deepEqual(keep_order([], [cem, ben, anna]), ["anna", "ben", "cem"]);
  assert.deepEqual(keep_order(["ben", "cem"], [cem, anna, ben]), ["ben", "cem", "anna"]);
});

test("who leaves leaves the others in order", () => {
  assert.deepEqual(keep_order(["anna", "ben", "cem"], [cem, anna]), ["anna", "cem"]);
});

const keys = ["anna", "ben", "cem"];

test("pinned before screen before speaker before whoever was large", () => {
  const with_screen = [...keys, "ben screen"];
  assert.equal(choose_large({ keys: with_screen, pinned: "cem", speakers: ["ben"], large: "anna" }), "cem");
  assert.equal(choose_large({ keys: with_screen, pinned: "", speakers: ["ben"], large: "anna" }), "ben screen");
  assert.equal(choose_large({ keys, pinned: "", speakers: ["ben"], large: "anna" }), "ben");
  assert.equal(choose_large({ keys, pinned: "", speakers: [], large: "cem" }), "cem");
  assert.equal(choose_large({ keys, pinned: "gone", speakers: [], large: "gone" }), "anna");
  assert.equal(choose_large({ keys: [], pinned: "", speakers: ["ben"], large: "" }), "");
});

test("while this person speaks, the one who spoke before stays large", () => {
  assert.equal(choose_large({ keys, pinned: "", speakers: ["me", "ben"], large: "cem" }), "ben");
});

test("a change of speaker moves two tiles", () => {
  const order = ["anna", "ben", "cem", "dora"];
  const first = swap_to_front([], order, "anna");
  assert.deepEqual(first, order);
  const second = swap_to_front(first, order, "cem");
  assert.deepEqual(second, ["cem", "ben", "anna", "dora"]);
  assert.deepEqual(swap_to_front(second, order, "dora"), ["dora", "ben", "anna", "cem"]);
});

test("who comes and goes does not disturb the places of the others", () => {
  const placed = ["cem", "ben", "anna"];
  assert.deepEqual(swap_to_front(placed, ["anna", "ben", "cem", dora.id], "cem"), ["cem", "ben", "anna", "dora"]);
  assert.deepEqual(swap_to_front(placed, ["anna", "cem"], "cem"), ["cem", "anna"]);
});
