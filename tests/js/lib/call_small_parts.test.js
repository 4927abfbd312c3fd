import assert from "node:assert/strict";
import { test } from "node:test";

import { corner_after_key, nearest_corner } from "../../../static/js/lib/corners.js";
import { format_duration } from "../../../static/js/lib/duration.js";
import { initials } from "../../../static/js/lib/initials.js";

test("a duration is short under an hour and never negative", () => {
  assert.equal(format_duration(-5), "0:00");
  assert.equal(format_duration(7_999), "0:07");
  assert.equal(format_duration(754_000), "12:34");
  assert.equal(format_duration(3_723_000), "1:02:03");
});

test("initials take the first and last name and leave titles out", () => {
  assert.equal(initials("Dr. med. Anna Maria Berg"), "AB");
  assert.equal(initials("Jørgen Ångström"), "JÅ");
  assert.equal(initials("Özil"), "Ö");
  assert.equal(initials("Dr."), "D");
  assert.equal(initials("  "), "");
  assert.equal(initials("李 明"), "李明");
});

const stage = { width: 400, height: 600 };

test("a dropped picture goes to the nearest corner", () => {
  assert.equal(nearest_corner({ x: 10, y: 10 }, stage, false), "top-start");
  assert.equal(nearest_corner({ x: 390, y: 590 }, stage, false), "bottom-end");
  assert.equal(nearest_corner({ x: 10, y: 590 }, stage, false), "bottom-start");
  assert.equal(nearest_corner({ x: 10, y: 10 }, stage, true), "top-end");
});

test("arrow keys move it, and only when there is somewhere to go", () => {
  assert.equal(corner_after_key("bottom-end", "ArrowUp", false), "top-end");
  assert.equal(corner_after_key("bottom-end", "ArrowLeft", false), "bottom-start");
  assert.equal(corner_after_key("bottom-end", "ArrowLeft", true), null);
  assert.equal(corner_after_key("bottom-end", "ArrowDown", false), null);
  assert.equal(corner_after_key("bottom-end", "Enter", false), null);
});
