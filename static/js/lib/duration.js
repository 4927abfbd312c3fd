/**
 * @param {number} elapsed_ms
 * @returns {string} "0:07", "12:34", "1:02:03"; never negative
 */
export function format_duration(elapsed_ms) {
  const total_s = Math.max(0, Math.floor(elapsed_ms / 1000));
  const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const hours = Math.floor(total_s / 3600);
  const minutes = Math.floor(total_s / 60) % 60;
  const seconds = pad(total_s % 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${seconds}` : `${minutes}:${seconds}`;
}
