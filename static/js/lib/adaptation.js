/**
 * What one side sends between two browsers when its way is thin: first less picture, then none, and always the sound. Each
 * direction is its sender's own, by what the sender itself can know: what the other end reports as lost, how the round trip
 * grows over its best, and the estimate of the path. `qualityLimitationReason` stays "none" at 10 % loss and "bandwidth" for
 * nine seconds after: it decides nothing here. Pure: one reading a second goes in, with the time.
 *
 * @import { Rates } from "./stats_math.js"
 * @import { Remedy } from "./quality_report.js"
 * @typedef {{active: boolean, max_bps: number|null, scale: number, max_fps: number|null}} Limits of what a slot may send; null: no limit
 * @typedef {"general"|"talking"|"neurology"|"dermatology"} Profile
 * @typedef {{picture: Limits, remedy: Remedy}} Step
 */

import { round_trip_ms } from "./stats_math.js";

/** @type {Limits} */
export const NO_LIMITS = { active: true, max_bps: null, scale: 1, max_fps: null };
/** Enough to be measured and to begin with, hardly more than the sound. @type {Limits} */
export const WARM_LIMITS = { active: true, max_bps: 150_000, scale: 2, max_fps: null };

const OFF = { active: false, max_bps: 100_000, scale: 4, max_fps: 10 };
/** @param {number} max_bps @param {number} scale @param {number|null} max_fps @param {Remedy} remedy @returns {Step} */
const step = (max_bps, scale, max_fps, remedy) => ({ picture: { active: true, max_bps, scale, max_fps }, remedy });

/** Steps down from everything to sound alone. What a visit needs most is given up last. @type {Record<Profile, Step[]>} */
export const STEPS = {
  general: [step(700_000, 1, null, "lowered"), step(350_000, 2, 20, "lowered"), step(150_000, 3, 15, "audio_first")],
  talking: [step(500_000, 2, 24, "lowered"), step(250_000, 2, 15, "lowered"), step(120_000, 3, 12, "audio_first")],
  // Movement: frames stay, size goes.
  neurology: [step(700_000, 1.5, null, "lowered"), step(400_000, 2, null, "lowered"), step(200_000, 4, null, "audio_first")],
  // Skin: size stays, frames go.
  dermatology: [step(700_000, 1, 15, "lowered"), step(400_000, 1, 8, "lowered"), step(200_000, 1.5, 5, "audio_first")],
};

const LOSS_BAD = 0.1;
const LOSS_GOOD = 0.02;
/** Queues that grow by this are about to overflow. */
const RTT_GROWTH_MS = 150;
const RTT_CALM_MS = 50;
/** Bad for this long is no hiccup; between two steps down the first must be felt. */
const DOWN_AFTER_MS = 2000;
const DOWN_AGAIN_AFTER_MS = 3000;
/** Going up costs a hiccup when it was too early, so each time it proves so it waits twice as long. */
const UP_AFTER_MS = 8000;
const UP_AFTER_MOST_MS = 60_000;
const TOO_EARLY_MS = 10_000;
/** The estimate of a new connection begins low. */
const ESTIMATE_COUNTS_FROM_MS = 6000;

export class Adaptation {
  #steps;
  #level = 0;
  /** @type {number|null} */
  #began_ms = null;
  /** @type {number|null} */
  #bad_since_ms = null;
  /** @type {number|null} */
  #good_since_ms = null;
  #changed_ms = -Infinity;
  #raised_ms = -Infinity;
  #up_after_ms = UP_AFTER_MS;
  #best_rtt_ms = Infinity;
  /** @type {number|null} */
  #rtt_ms = null;

  /** @param {Profile} profile */
  constructor(profile) {
    /** @type {Step[]} */
    this.#steps = [{ picture: NO_LIMITS, remedy: "" }, ...(STEPS[profile] ?? STEPS.general), { picture: OFF, remedy: "audio_only" }];
  }

  /** @returns {Step} */
  get step() {
    return /** @type {Step} */ (this.#steps[this.#level]);
  }

  /**
   * @param {Rates} rates of the last second
   * @param {number} now_ms
   * @returns {boolean} whether `step` is another one now
   */
  take(rates, now_ms) {
    this.#began_ms ??= now_ms;
    const state = this.#judge(rates, now_ms - this.#began_ms);
    this.#bad_since_ms = state === "bad" ? (this.#bad_since_ms ?? now_ms) : null;
    this.#good_since_ms = state === "good" ? (this.#good_since_ms ?? now_ms) : null;
    if (this.#bad_since_ms !== null && now_ms - this.#bad_since_ms >= DOWN_AFTER_MS && now_ms - this.#changed_ms >= DOWN_AGAIN_AFTER_MS) {
      // A queue of our own making gets shorter now. What stays is the way itself, and less picture does not help it.
      if (this.#rtt_ms !== null) this.#best_rtt_ms = this.#rtt_ms;
      return this.#go(this.#level + 1, now_ms);
    }
    if (this.#good_since_ms !== null && now_ms - Math.max(this.#good_since_ms, this.#changed_ms) >= this.#up_after_ms) {
      return this.#go(this.#level - 1, now_ms);
    }
    return false;
  }

  /** Sound alone, from now on until it goes well. @param {number} now_ms @returns {boolean} whether that is something new */
  give_up_picture(now_ms) {
    return this.#go(this.#steps.length - 1, now_ms);
  }

  /** @param {Rates} rates @param {number} age_ms @returns {"bad"|"good"|"fair"} */
  #judge(rates, age_ms) {
    const losses = ["out:audio", "out:video"].map((name) => rates.streams[name]?.loss ?? 0);
    const loss = Math.max(...losses);
    const rtt_ms = round_trip_ms(rates);
    this.#rtt_ms = rtt_ms;
    if (rtt_ms !== null) this.#best_rtt_ms = Math.min(this.#best_rtt_ms, rtt_ms);
    const growth_ms = rtt_ms === null ? 0 : rtt_ms - this.#best_rtt_ms;
    const estimate = age_ms >= ESTIMATE_COUNTS_FROM_MS ? (rates.pair?.available_out_bps ?? null) : null;
    const { max_bps } = this.step.picture;
    // What is sent now is more than the way carries, by the sender's own estimate.
    const narrow = estimate !== null && this.step.remedy !== "audio_only" && estimate < 0.8 * Math.min(max_bps ?? Infinity, LEAST_UNTOUCHED_BPS);
    if (loss > LOSS_BAD || growth_ms > RTT_GROWTH_MS || narrow) return "bad";
    return loss <= LOSS_GOOD && growth_ms <= RTT_CALM_MS ? "good" : "fair";
  }

  /** @param {number} level @param {number} now_ms */
  #go(level, now_ms) {
    const kept = Math.min(this.#steps.length - 1, Math.max(0, level));
    if (kept === this.#level) return false;
    if (kept < this.#level) {
      this.#raised_ms = now_ms;
    } else if (now_ms - this.#raised_ms < TOO_EARLY_MS) {
      this.#up_after_ms = Math.min(UP_AFTER_MOST_MS, 2 * this.#up_after_ms);
      this.#raised_ms = -Infinity;
    } else if (now_ms - this.#changed_ms > UP_AFTER_MOST_MS) {
      this.#up_after_ms = UP_AFTER_MS;
    }
    this.#level = kept;
    this.#changed_ms = now_ms;
    this.#bad_since_ms = null;
    this.#good_since_ms = null;
    return true;
  }
}

/** A picture that nobody limited needs about this much; an estimate below it limits the picture by itself. */
const LEAST_UNTOUCHED_BPS = 450_000;
