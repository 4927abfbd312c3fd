// What this device remembers about how its owner likes the call. Nothing about people or visits.

/** @typedef {import("../lib/stage_order.js").Layout} Layout */

const LAYOUT_KEY = "call-layout";

/** Storage may be switched off or full: then nothing is remembered and nothing breaks. @template T @param {() => T} action @returns {T|null} */
function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}

/** @returns {Layout|null} null: never chosen */
export function read_layout() {
  const kept = attempt(() => localStorage.getItem(LAYOUT_KEY));
  return kept === "speaker" || kept === "grid" ? kept : null;
}

/** @param {Layout} layout */
export function remember_layout(layout) {
  attempt(() => localStorage.setItem(LAYOUT_KEY, layout));
}
