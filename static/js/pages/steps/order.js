// The order of the steps and what the browser's back button may do in it. Pure.

/** @typedef {"arrival"|"details"|"device_check"|"consent"|"waiting"|"visit"|"after"} StepName */

/** @type {readonly StepName[]} */
export const STEPS = ["arrival", "details", "device_check", "consent", "waiting", "visit", "after"];

/** @param {string|undefined} name @returns {name is StepName} */
export function is_step(name) {
  return STEPS.includes(/** @type {StepName} */ (name));
}

/** @param {StepName} name */
export const position = (name) => STEPS.indexOf(name);

/**
 * The step to show when the person goes back (or reloads) to `wanted` while the server says `reached`.
 * Earlier answers may be looked at again until the visit begins; during it and after it there is no way back.
 * @param {string|undefined} wanted @param {StepName} reached
 * @returns {StepName}
 */
export function allowed_step(wanted, reached) {
  if (!is_step(wanted) || position(reached) >= position("visit")) return reached;
  return position(wanted) <= position(reached) ? wanted : reached;
}

/**
 * @param {StepName} name
 * @param {{asks_consent?: boolean}} [person] who comes with somebody, or for their work, is not asked to agree to a treatment
 * @returns {StepName}
 */
export function step_before(name, { asks_consent = true } = {}) {
  const before = STEPS[Math.max(0, position(name) - 1)] ?? "arrival";
  return before === "consent" && !asks_consent ? step_before(before) : before;
}

/** @param {StepName} name @param {{asks_consent?: boolean}} [person] @returns {StepName} */
export function step_after(name, { asks_consent = true } = {}) {
  const after = STEPS[Math.min(STEPS.length - 1, position(name) + 1)] ?? "after";
  return after === "consent" && !asks_consent ? step_after(after) : after;
}
