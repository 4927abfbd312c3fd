/** Reads getStats and turns consecutive readings into rates. Whoever owns it decides when. */

import { rates_between, sample } from "../lib/stats_math.js";

/** @import { Rates, Sample } from "../lib/stats_math.js" */

export class StatsMonitor {
  /** @type {Sample|null} */
  #previous = null;
  #reading = false;
  #connection;

  /** @param {{get_stats: () => Promise<RTCStatsReport>, slots_by_mid: Record<string, string>}} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /**
   * @param {number} now_ms
   * @returns {Promise<Rates|null>} null while another reading is under way; the first reading counts from zero
   */
  async measure(now_ms) {
    if (this.#reading) return null;
    this.#reading = true;
    try {
      const report = await this.#connection.get_stats();
      const current = sample([...report.values()], this.#connection.slots_by_mid, now_ms);
      const previous = this.#previous ?? { at_ms: now_ms - 1000, pair: null, streams: {} };
      this.#previous = current;
      return rates_between(previous, current);
    } finally {
      this.#reading = false;
    }
  }
}
