import assert from "node:assert/strict";
import { test } from "node:test";

import { network_word, turn_transport } from "../../../static/js/call/connection_check.js";
import { allowed_step, step_after, step_before } from "../../../static/js/pages/steps/order.js";
import { browser_kind, device_class } from "../../../static/js/pages/steps/permission_help.js";
import { dial_address, unbroken } from "../../../static/js/pages/steps/phone.js";

test("a person may look at an earlier step again", () => {
  assert.equal(allowed_step("details", "consent"), "details");
});

test("nobody skips a step that the server has not reached", () => {
  assert.equal(allowed_step("waiting", "details"), "details");
});

test("there is no way back out of the visit", () => {
  assert.equal(allowed_step("consent", "visit"), "visit");
  assert.equal(allowed_step("visit", "after"), "after");
});

test("an unknown step in the history means the server's", () => {
  assert.equal(allowed_step(undefined, "consent"), "consent");
  assert.equal(allowed_step("prototype", "consent"), "consent");
});

test("the first and the last step have no neighbour beyond", () => {
  assert.equal(step_before("arrival"), "arrival");
  assert.equal(step_after("after"), "after");
  assert.equal(step_after("consent"), "waiting");
});

test("who is a guest is asked no consent, in neither direction", () => {
  assert.equal(step_after("device_check", { asks_consent: false }), "waiting");
  assert.equal(step_before("waiting", { asks_consent: false }), "device_check");
  assert.equal(step_after("device_check"), "consent");
  assert.equal(step_before("waiting"), "consent");
});

test("a phone number is dialled without its spaces and shown on one line", () => {
  assert.equal(dial_address("+49 30 5550-0100"), "tel:+493055500100");
  assert.equal(unbroken("030 55"), "030\u00a055");
});

test("the connection gets a word", () => {
  assert.equal(network_word(199), "good");
  assert.equal(network_word(200), "fair");
  assert.equal(network_word(400), "poor");
  assert.equal(network_word(null), "poor");
});

test("a fast answer over a thin line is not called good", () => {
  assert.equal(network_word(20, 0.9), "fair");
  assert.equal(network_word(20, 0.2), "poor");
});

test("a relay's address tells its transport", () => {
  assert.equal(turn_transport("turn:relay.test:3478"), "udp");
  assert.equal(turn_transport("turn:relay.test:3478?transport=tcp"), "tcp");
  assert.equal(turn_transport("turns:relay.test:443?transport=tcp"), "tls");
});

test("help is worded for the browser's own menus", () => {
  const android = "Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36";
  assert.equal(browser_kind(android), "chrome_android");
  assert.equal(browser_kind(android.replace("Chrome", "SamsungBrowser/27.0 Chrome")), "samsung");
  assert.equal(browser_kind("Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"), "firefox_android");
  assert.equal(browser_kind("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "firefox");
  assert.equal(browser_kind("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"), "chrome");
});

test("devices are told apart coarsely; an iPad says it is a Mac and has fingers", () => {
  assert.equal(device_class("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", 5), "phone");
  assert.equal(device_class("Mozilla/5.0 (Linux; Android 14; Pixel 7) Chrome/140.0.0.0 Mobile Safari/537.36", 5), "phone");
  assert.equal(device_class("Mozilla/5.0 (Linux; Android 14; SM-X910) Chrome/140.0.0.0 Safari/537.36", 5), "tablet");
  assert.equal(device_class("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", 5), "tablet");
  assert.equal(device_class("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", 0), "computer");
  assert.equal(device_class("Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36", 0), "computer");
});

test("every browser on an iPhone needs the words of iOS", () => {
  assert.equal(browser_kind("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1"), "ios");
});
