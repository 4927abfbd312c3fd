import assert from "node:assert/strict";
import { test } from "node:test";

import { Autosave } from "../../../static/js/lib/autosave.js";

/** Timers that run by hand, and a server that answers when told. */
function stage({ text = "" } = {}) {
  /** @type {{run: () => void, delay_ms: number}[]} */
  const timers = [];
  /** @type {{text: string, answer: (value?: unknown) => void, refuse: (error: Error) => void}[]} */
  const requests = [];
  /** @type {string[]} */
  const states = [];
  const autosave = new Autosave({
    text,
    save: (sent) => new Promise((answer, refuse) => { requests.push({ text: sent, answer, refuse }); }),
    on_state: (state) => states.push(state),
    pause_ms: 1000,
    set_timer: (run, delay_ms) => { const timer = { run, delay_ms }; timers.push(timer); return timer; },
    clear_timer: (timer) => { timers.splice(timers.indexOf(timer), 1); },
    random: () => 0,
  });
  const settle = () => new Promise((done) => { setImmediate(done); });
  const run_timer = () => { const timer = timers.shift(); assert.ok(timer, "a timer is running"); timer.run(); return timer.delay_ms; };
  return { autosave, timers, requests, states, settle, run_timer };
}

test("it saves once after the last key", async () => {
  const { autosave, timers, requests, states, settle, run_timer } = stage();
  autosave.type("c");
  autosave.type("co");
  assert.equal(timers.length, 1);
  assert.equal(run_timer(), 1000);
  assert.deepEqual(requests.map((request) => request.text), ["co"]);
  assert.equal(autosave.is_safe, false);
  requests[0]?.answer();
  await settle();
  assert.equal(autosave.is_safe, true);
  assert.deepEqual(states, ["unsaved", "unsaved", "saving", "saved"]);
});

test("what is typed while a request runs is saved by the next one", async () => {
  const { autosave, requests, settle, run_timer, timers } = stage();
  autosave.type("a");
  run_timer();
  autosave.type("ab");
  assert.equal(requests.length, 1);
  requests[0]?.answer();
  await settle();
  assert.equal(autosave.is_safe, false);
  assert.equal(timers.length, 1);
  run_timer();
  assert.equal(requests[1]?.text, "ab");
});

test("a refused text is kept and tried again with growing pauses", async () => {
  const { autosave, requests, states, settle, run_timer } = stage();
  autosave.type("a");
  run_timer();
  requests[0]?.refuse(new Error("offline"));
  await settle();
  assert.equal(states.at(-1), "failed");
  const first_ms = run_timer();
  requests[1]?.refuse(new Error("offline"));
  await settle();
  const second_ms = run_timer();
  assert.ok(second_ms > first_ms);
  requests[2]?.answer();
  await settle();
  assert.equal(autosave.is_safe, true);
});

test("a flush when the network is back does not wait for the pause", async () => {
  const { autosave, requests, settle, run_timer, timers } = stage();
  autosave.type("a");
  run_timer();
  requests[0]?.refuse(new Error("offline"));
  await settle();
  void autosave.flush();
  assert.equal(requests.length, 2);
  assert.equal(timers.length, 0);
});

test("nothing is sent when the text is what the server holds", async () => {
  const { autosave, timers, requests } = stage({ text: "known" });
  autosave.type("known");
  await autosave.flush();
  assert.equal(timers.length + requests.length, 0);
});

test("typing back to the stored text is saved without a request", async () => {
  const { autosave, requests, timers, states } = stage({ text: "x" });
  autosave.type("xy");
  autosave.type("x");
  assert.equal(timers.length + requests.length, 0);
  assert.deepEqual(states, ["unsaved", "saved"]);
  assert.equal(autosave.is_safe, true);
});
