import assert from "node:assert/strict";
import { test } from "node:test";

import { PlayoutDelay } from "../../../static/js/lib/playout.js";

/** @param {number} loss @param {number|null} rtt_ms @param {number} [frames] @returns {any} */
function rates(loss, rtt_ms, frames = 15) {
  return {
    interval_ms: 1000,
    pair: { rtt_ms },
    streams: { "in:7:video": { loss, frames }, "in:3:audio": { loss: 0.5, frames: 0 }, "out:video": { loss: 0.5, frames: 15 } },
  };
}

/** What it wants after so many seconds. @param {PlayoutDelay} delay @param {number} from_s @param {number} seconds @param {any} each */
function after(delay, from_s, seconds, each) {
  let wanted = null;
  for (let second = from_s; second < from_s + seconds; second += 1) wanted = delay.wanted(each, second * 1000);
  return wanted;
}

test("a line without loss is left to the browser, and so is a single lost packet", () => {
  const delay = new PlayoutDelay();
  assert.equal(after(delay, 0, 5, rates(0, 100)), null);
  assert.equal(delay.wanted(rates(0.05, 100), 5000), null);
  assert.equal(delay.wanted(rates(0, 100), 6000), null);
});

test("two seconds in which a queue overflows are no lossy line, three are", () => {
  const delay = new PlayoutDelay();
  assert.equal(after(delay, 0, 2, rates(0.25, 300)), null);
  assert.equal(after(delay, 2, 3, rates(0, 4)), null);
  assert.equal(after(delay, 5, 3, rates(0.25, 4)), 150);
});

test("lasting loss waits for two repairs, within bounds", () => {
  assert.equal(after(new PlayoutDelay(), 0, 3, rates(0.1, 100)), 300);
  assert.equal(after(new PlayoutDelay(), 0, 3, rates(0.1, 4)), 150);
  assert.equal(after(new PlayoutDelay(), 0, 3, rates(0.1, null)), 150);
  assert.equal(after(new PlayoutDelay(), 0, 3, rates(0.1, 900)), 400);
});

test("it does not follow every tremble of the round trip", () => {
  const delay = new PlayoutDelay();
  after(delay, 0, 3, rates(0.1, 100));
  assert.equal(after(delay, 3, 2, rates(0.1, 120)), 300);
  assert.equal(after(delay, 5, 2, rates(0.1, 130)), 360);
});

test("ten seconds without loss end it, a stream without frames says nothing", () => {
  const delay = new PlayoutDelay();
  after(delay, 0, 5, rates(0.1, 100));
  assert.equal(after(delay, 5, 30, rates(0, 100, 0)), 300);
  assert.equal(after(delay, 35, 10, rates(0, 100)), 300);
  assert.equal(after(delay, 45, 8, rates(0, 100)), null);
});
