import assert from "node:assert/strict";
import { test } from "node:test";
import { Negotiation } from "../../../static/js/lib/negotiation.js";

test("an offer in peace is applied by both kinds", () => {
  for (const polite of [true, false]) assert.equal(new Negotiation(polite).judge("offer", "stable"), "apply");
});

test("in a glare the polite side applies and the impolite one ignores", () => {
  for (const state of /** @type {RTCSignalingState[]} */ (["have-local-offer", "have-remote-offer"])) {
    assert.equal(new Negotiation(true).judge("offer", state), "apply");
    assert.equal(new Negotiation(false).judge("offer", state), "ignore");
  }
});

test("an offer being made collides although the state is still stable", () => {
  const impolite = new Negotiation(false);
  impolite.begin_offer();
  assert.equal(impolite.judge("offer", "stable"), "ignore");
  impolite.end_offer();
  assert.equal(impolite.judge("offer", "stable"), "apply");
});

test("an offer that arrives while the answer is being applied is no collision", () => {
  const impolite = new Negotiation(false);
  impolite.begin_remote("answer");
  assert.equal(impolite.judge("offer", "have-local-offer"), "apply");
  impolite.end_remote();
  assert.equal(impolite.judge("offer", "have-local-offer"), "ignore");
});

test("an answer without an offer of ours is ignored", () => {
  assert.equal(new Negotiation(true).judge("answer", "stable"), "ignore");
  assert.equal(new Negotiation(true).judge("answer", "have-local-offer"), "apply");
});

test("candidates may fail only after an ignored offer, until the next one is applied", () => {
  const impolite = new Negotiation(false);
  assert.equal(impolite.candidates_may_fail, false);
  impolite.judge("offer", "have-local-offer");
  assert.equal(impolite.candidates_may_fail, true);
  impolite.judge("offer", "stable");
  assert.equal(impolite.candidates_may_fail, false);
});

test("every interleaving of two offers ends with both sides on the impolite one's offer", () => {
  // The polite side always yields, whichever offer was sent first and however they crossed.
  for (const [polite_state, impolite_state] of /** @type {[RTCSignalingState, RTCSignalingState][]} */ ([
    ["have-local-offer", "have-local-offer"],
    ["stable", "have-local-offer"],
  ])) {
    assert.equal(new Negotiation(true).judge("offer", polite_state), "apply");
    assert.equal(new Negotiation(false).judge("offer", impolite_state), "ignore");
  }
});
