// What this device remembers about the person's details: for good only if they ticked the box, for this tab until sent.

const KEY = "visit-details";
const DRAFT_KEY = "visit-details-draft:";

/** @typedef {{name?: string, location?: string, callback_number?: string, emergency_name?: string, emergency_phone?: string}} Details */

/** Storage may be switched off or full: then nothing is remembered and nothing breaks. @template T @param {() => T} action @returns {T | null} */
function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}

/** @returns {Details | null} */
export function read_remembered() {
  return attempt(() => JSON.parse(localStorage.getItem(KEY) ?? "null"));
}

/** @param {Details} details */
export function remember(details) {
  attempt(() => localStorage.setItem(KEY, JSON.stringify(details)));
}

export function forget() {
  attempt(() => localStorage.removeItem(KEY));
}

/** @param {string} code @returns {(Details & {place?: string}) | null} */
export function read_draft(code) {
  return attempt(() => JSON.parse(sessionStorage.getItem(DRAFT_KEY + code) ?? "null"));
}

/** @param {string} code @param {Details & {place?: string}} details */
export function keep_draft(code, details) {
  attempt(() => sessionStorage.setItem(DRAFT_KEY + code, JSON.stringify(details)));
}

/** @param {string} code */
export function drop_draft(code) {
  attempt(() => sessionStorage.removeItem(DRAFT_KEY + code));
}
