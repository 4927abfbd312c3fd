/** Sound levels, and the microphone that delivers only silence (a hardware switch, a muted input, a wrong device). */

/** Digital silence and the noise floor of an open microphone are far apart; a quiet room is about −60 dBFS. */
export const SILENT_BELOW_DBFS = -70;

/**
 * Root mean square of samples between −1 and 1, in dB relative to full scale; −Infinity for digital silence.
 *
 * @param {Float32Array} samples
 */
export function level_dbfs(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? -Infinity : 10 * Math.log10(sum / samples.length);
}

/** @param {number} dbfs @returns {number} 0 to 1 for a meter: −60 dBFS is empty, −10 is full */
export function meter_fraction(dbfs) {
  return Math.min(1, Math.max(0, (dbfs + 60) / 50));
}

export class SilenceDetector {
  /** @type {number|null} */
  #silent_since_ms = null;

  /** @param {{silent_after_ms?: number}} [options] shorter warns of a pause for breath, longer wastes the patient's time */
  constructor({ silent_after_ms = 4000 } = {}) {
    this.silent_after_ms = silent_after_ms;
  }

  /**
   * @param {number} dbfs
   * @param {number} now_ms
   * @returns {boolean} true while the microphone has been silent for `silent_after_ms`
   */
  hear(dbfs, now_ms) {
    if (dbfs > SILENT_BELOW_DBFS) {
      this.#silent_since_ms = null;
      return false;
    }
    this.#silent_since_ms ??= now_ms;
    return now_ms - this.#silent_since_ms >= this.silent_after_ms;
  }
}
