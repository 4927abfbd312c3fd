/**
 * The last seconds of one path, for the report that the server decides by: quick to see that something is bad, and not
 * misled by a single second. Pure: one reading a second goes in.
 *
 * @import { Limits, Score } from "./quality.js"
 * @import { Rates, StreamRates } from "./stats_math.js"
 *
 * @typedef {{audio: Score|null, video: Score|null, rates: Rates}} Measured rates: smoothed
 */

import { DEFAULT_LIMITS, scores } from "./quality.js";
import { round_trip_ms } from "./stats_math.js";

const LONGEST = 6;
/** The estimate of a new connection begins low and says nothing yet. */
const ESTIMATE_COUNTS_FROM_MS = 6000;
/** What a camera gave at its best in the last minute; when that is little, it is the light and not the path. */
const BEST_OF = 60;
const STEADY = 3;

export class QualityWindow {
  /** @type {Rates[]} the newest last */
  #readings = [];
  /** @type {number[]} */
  #fps = [];
  /** @type {number|null} */
  #since_ms = null;
  #peer_camera = false;
  #newest_ms = 0;

  /**
   * @param {Rates} rates of one second
   * @param {{peer_camera: boolean, limited?: boolean}} expected limited: this page sends less than it could
   * @param {number} now_ms
   */
  take(rates, { peer_camera, limited = false }, now_ms) {
    this.#newest_ms = now_ms;
    this.#since_ms ??= now_ms;
    this.#peer_camera = peer_camera;
    this.#readings = [...this.#readings, limited ? without_idle_estimate(rates) : rates].slice(-LONGEST);
    const fps = peer_camera ? (rates.streams["in:video"]?.fps ?? null) : null;
    if (fps !== null) this.#fps = [...this.#fps, fps].slice(-BEST_OF);
  }

  /** What was read until now says nothing of the path any more; what the camera gives stays known. */
  forget() {
    this.#readings = [];
  }

  /** @param {Limits} [limits] @returns {Measured|null} null: nothing was measured yet */
  measured(limits = DEFAULT_LIMITS) {
    const newest = this.#readings.at(-1);
    if (!newest) return null;
    const rates = this.#smoothed(newest);
    return { ...scores(rates, { peer_camera: this.#peer_camera }, { ...limits, fps: this.#fps_limit(limits.fps) }), rates };
  }

  /** @param {Rates} newest @returns {Rates} */
  #smoothed({ interval_ms, pair, streams }) {
    const known = this.#newest_ms - (this.#since_ms ?? 0) >= ESTIMATE_COUNTS_FROM_MS;
    /** @type {Record<string, StreamRates>} */
    const smooth = {};
    for (const [name, now] of Object.entries(streams)) {
      /** @param {"bitrate_bps"|"loss"|"jitter_ms"|"fps"|"freeze"|"concealed"} what @param {number} seconds */
      const mean = (what, seconds) => mean_of(this.#readings.slice(-seconds).map((rates) => rates.streams[name]?.[what] ?? null));
      smooth[name] = {
        ...now,
        bitrate_bps: mean("bitrate_bps", 3) ?? 0,
        loss: larger(mean("loss", 2), mean("loss", LONGEST)),
        jitter_ms: mean("jitter_ms", 3),
        fps: mean("fps", 3),
        freeze: mean("freeze", 3),
        concealed: mean("concealed", 3),
      };
    }
    const estimate = known ? mean_of(this.#readings.slice(-2).map((rates) => rates.pair?.available_out_bps ?? null)) : null;
    const rtt_ms = mean_of(this.#readings.slice(-2).map(round_trip_ms));
    return { interval_ms, pair: pair && { ...pair, rtt_ms, available_out_bps: estimate }, streams: smooth };
  }

  /** @param {import("./quality.js").Limit} limit @returns {import("./quality.js").Limit} less is asked of a camera that never gave more */
  #fps_limit([fair, poor]) {
    /** @type {number|null} */
    let best = null;
    for (let index = STEADY; index <= this.#fps.length; index += 1) {
      best = larger(best, Math.min(...this.#fps.slice(index - STEADY, index)));
    }
    const share = Math.min(1, (0.9 * (best ?? 0)) / fair);
    return [fair * share, poor * share];
  }
}

/** An estimate grows little beyond what is sent: of who sends less than they could it says something only when it is close. @param {Rates} rates @returns {Rates} */
function without_idle_estimate(rates) {
  const { pair, streams } = rates;
  const sent_bps = Object.entries(streams).reduce((sum, [name, { bitrate_bps }]) => sum + (name.startsWith("out:") ? bitrate_bps : 0), 0);
  return pair && (pair.available_out_bps ?? 0) > 1.2 * sent_bps ? { ...rates, pair: { ...pair, available_out_bps: null } } : rates;
}

/** @param {(number|null)[]} values @returns {number|null} of those that were measured */
function mean_of(values) {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

/** @param {number|null} one @param {number|null} other */
function larger(one, other) {
  return one === null ? other : other === null ? one : Math.max(one, other);
}
