/**
 * One honest word about the connection and what limits it, by the thresholds clinical sources give
 * (ITU-T G.114, Maryland COMAR, KUMC, Stroke 2016, LiveKit's scorer).
 *
 * @import { Rates } from "./stats_math.js"
 * @typedef {"good"|"fair"|"poor"} Word
 * @typedef {"rtt"|"loss"|"jitter"|"bitrate"|"frames"|"freeze"|"sound"} Factor
 * @typedef {{word: Word, factor: Factor|null}} Verdict factor: what limits, null when good
 */

/** [poor beyond this, fair beyond this], larger is worse. */
const CEILINGS = {
  rtt_ms: [300, 200],
  video_loss: [0.06, 0.02],
  audio_loss: [0.075, 0.025],
  jitter_ms: [35, 30],
  freeze: [0.05, 0.02],
  concealed: [0.05, 0.02],
};

/** [poor below this, fair below this], smaller is worse. A camera in a dim room gives 20 of 30 frames: that is light, not the path. */
const FLOORS = {
  fps: [15, 18],
  out_bps: [384_000, 768_000],
};

const ORDER = { good: 0, fair: 1, poor: 2 };

/** @param {number|null|undefined} value @param {number[]} limits @returns {Word} */
function above(value, limits) {
  if (value === null || value === undefined) return "good";
  return value > /** @type {number} */ (limits[0]) ? "poor" : value > /** @type {number} */ (limits[1]) ? "fair" : "good";
}

/** @param {number|null|undefined} value @param {number[]} limits @returns {Word} */
function below(value, limits) {
  if (value === null || value === undefined) return "good";
  return value < /** @type {number} */ (limits[0]) ? "poor" : value < /** @type {number} */ (limits[1]) ? "fair" : "good";
}

/**
 * The verdict for one interval. Bitrate is judged by the sender's estimate of the path, not by what is sent: a calm
 * picture needs little. Frames are judged only while the peer's camera is on.
 *
 * @param {Rates} rates
 * @param {{peer_camera: boolean}} expected
 * @returns {Verdict}
 */
export function judge(rates, { peer_camera }) {
  const sound = rates.streams["in:audio"];
  const picture = rates.streams["in:video"];
  const sent_sound = rates.streams["out:audio"];
  const sent_picture = rates.streams["out:video"];
  const sends_picture = (sent_picture?.frames ?? 0) > 0;
  /** @type {[Factor, Word][]} */
  const findings = [
    ["loss", above(sound?.loss, CEILINGS.audio_loss)],
    ["loss", above(sent_sound?.loss, CEILINGS.audio_loss)],
    ["sound", above(sound?.concealed, CEILINGS.concealed)],
    ["rtt", above(rates.pair?.rtt_ms, CEILINGS.rtt_ms)],
    ["jitter", above(sound?.jitter_ms, CEILINGS.jitter_ms)],
    ["bitrate", sends_picture ? below(rates.pair?.available_out_bps, FLOORS.out_bps) : "good"],
    ["loss", sends_picture ? above(sent_picture?.loss, CEILINGS.video_loss) : "good"],
  ];
  if (peer_camera && picture) {
    findings.push(
      ["loss", above(picture.loss, CEILINGS.video_loss)],
      ["freeze", above(picture.freeze, CEILINGS.freeze)],
      ["frames", below(picture.fps, FLOORS.fps)],
    );
  }
  /** @type {Verdict} */
  let worst = { word: "good", factor: null };
  for (const [factor, word] of findings) if (ORDER[word] > ORDER[worst.word]) worst = { word, factor };
  return worst;
}

/**
 * Turns verdicts of single seconds into a word that does not flicker: worse after `worse_after_ms` of it, better
 * after `better_after_ms`.
 */
export class SteadyQuality {
  /** @type {Verdict} */
  #shown = { word: "good", factor: null };
  /** @type {number|null} */
  #worse_since_ms = null;
  /** @type {number|null} */
  #better_since_ms = null;

  /** @param {{worse_after_ms?: number, better_after_ms?: number}} [options] */
  constructor({ worse_after_ms = 3000, better_after_ms = 5000 } = {}) {
    this.worse_after_ms = worse_after_ms;
    this.better_after_ms = better_after_ms;
  }

  /**
   * @param {Verdict} verdict
   * @param {number} now_ms
   * @returns {Verdict} what to show
   */
  settle(verdict, now_ms) {
    const step = ORDER[verdict.word] - ORDER[this.#shown.word];
    this.#worse_since_ms = step > 0 ? (this.#worse_since_ms ?? now_ms) : null;
    this.#better_since_ms = step < 0 ? (this.#better_since_ms ?? now_ms) : null;
    const worse = this.#worse_since_ms !== null && now_ms - this.#worse_since_ms >= this.worse_after_ms;
    const better = this.#better_since_ms !== null && now_ms - this.#better_since_ms >= this.better_after_ms;
    if (worse || better || step === 0) {
      this.#shown = verdict;
      this.#worse_since_ms = null;
      this.#better_since_ms = null;
    }
    return this.#shown;
  }
}
