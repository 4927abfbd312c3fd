// Which browser is this, so that "allow the camera" can be said in the words of its own menus. Never used to decide
// what the page can do, only how help is worded.

import { has_text, t } from "../texts.js";

/**
 * @param {string} agent navigator.userAgent
 * @returns {"chrome_android"|"samsung"|"firefox_android"|"ios"|"firefox"|"safari"|"chrome"}
 */
export function browser_kind(agent) {
  // Every browser on iOS is Safari underneath, and takes the permission from the system's settings. iPads say Macintosh.
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1)) return "ios";
  if (/Android/.test(agent)) {
    if (/Firefox/.test(agent)) return "firefox_android";
    return /SamsungBrowser/.test(agent) ? "samsung" : "chrome_android";
  }
  if (/Firefox/.test(agent)) return "firefox";
  return /Safari/.test(agent) && !/Chrome|Chromium|Edg/.test(agent) ? "safari" : "chrome";
}

/** Coarse on purpose: the clinic counts what kind of device a visit works on. @param {string} agent @param {number} [touch_points] @returns {"phone"|"tablet"|"computer"} */
export function device_class(agent, touch_points = navigator.maxTouchPoints) {
  if (/iPad/.test(agent) || (/Macintosh/.test(agent) && touch_points > 1)) return "tablet";
  if (/iPhone|iPod/.test(agent)) return "phone";
  if (/Android/.test(agent)) return /Mobile/.test(agent) ? "phone" : "tablet";
  return "computer";
}

/** The steps to allow camera and microphone in this browser, as sentences. @param {string} [agent] @returns {string[]} */
export function permission_steps(agent = navigator.userAgent) {
  const kind = browser_kind(agent);
  return [1, 2, 3].map((number) => `help_${kind}_${number}`).filter(has_text).map((key) => t(key));
}
