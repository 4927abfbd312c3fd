/**
 * Delay before attempt number `attempt` (0 for the first retry), doubling from `first_ms` up to `max_ms`.
 * Half of it is random, so that a whole clinic does not come back in the same instant after an outage.
 *
 * @param {number} attempt
 * @param {{first_ms?: number, max_ms?: number, random?: () => number}} [options] random: 0 <= x < 1
 * @returns {number} milliseconds
 */
export function backoff_ms(attempt, { first_ms = 300, max_ms = 7000, random = Math.random } = {}) {
  const full_ms = Math.min(max_ms, first_ms * 2 ** Math.min(attempt, 30));
  return Math.round(full_ms / 2 + (random() * full_ms) / 2);
}
