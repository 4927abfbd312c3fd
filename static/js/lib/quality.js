/**
 * How good a connection is: a score from 0 to 100 for sound and for picture with what limits it, and one honest word. The
 * limits are the clinic's for this kind of visit (join.quality); what they are by default has clinical sources (ITU-T G.114,
 * Maryland COMAR, KUMC, Stroke 2016, LiveKit's scorer).
 *
 * @import { Rates } from "./stats_math.js"
 * @typedef {"good"|"fair"|"poor"} Word
 * @typedef {"rtt"|"loss"|"jitter"|"bitrate"|"frames"|"freeze"|"sound"} Factor
 * @typedef {{word: Word, factor: Factor|null}} Verdict factor: what limits, null when good
 * @typedef {{score: number, factor: Factor|null}} Score
 * @typedef {[number, number]} Limit [fair beyond, poor beyond]
 * @typedef {Record<"rtt_ms"|"audio_loss"|"video_loss"|"jitter_ms"|"concealed"|"freeze"|"fps"|"out_bps", Limit>} Limits
 *   of fps and out_bps less is worse, of all others more. A camera in a dim room gives 20 of 30 frames: that is light, not the path
 */

/** @type {Limits} the same table as media_routing/policy/quality.py */
export const DEFAULT_LIMITS = {
  rtt_ms: [200, 300],
  audio_loss: [0.025, 0.075],
  video_loss: [0.02, 0.06],
  jitter_ms: [30, 35],
  concealed: [0.02, 0.05],
  freeze: [0.02, 0.05],
  fps: [18, 15],
  out_bps: [768_000, 384_000],
};

/** A score from here on is good, or fair; what is less is poor: clinically not acceptable. */
export const GOOD_FROM = 70;
export const FAIR_FROM = 40;

const ORDER = { good: 0, fair: 1, poor: 2 };

/** @param {number|null|undefined} value @param {Limit} limit more is worse @returns {number|null} 0 to 100; null when not measured */
export function score_above(value, [fair, poor]) {
  if (value === null || value === undefined) return null;
  if (value <= fair) return scale(value, 0, fair, 100, GOOD_FROM);
  if (value <= poor) return scale(value, fair, poor, GOOD_FROM, FAIR_FROM);
  return Math.min(FAIR_FROM - 1, scale(value, poor, 2 * poor, FAIR_FROM, 0));
}

/** @param {number|null|undefined} value @param {Limit} limit less is worse @returns {number|null} */
export function score_below(value, [fair, poor]) {
  if (value === null || value === undefined) return null;
  if (value >= fair) return scale(value, fair, 1.5 * fair, GOOD_FROM, 100);
  if (value >= poor) return scale(value, poor, fair, FAIR_FROM, GOOD_FROM);
  return Math.min(FAIR_FROM - 1, scale(value, 0, poor, 0, FAIR_FROM));
}

/** @param {number} value @param {number} from @param {number} to @param {number} at_from @param {number} at_to */
function scale(value, from, to, at_from, at_to) {
  const share = to === from ? 1 : Math.min(1, Math.max(0, (value - from) / (to - from)));
  return Math.floor(at_from + share * (at_to - at_from));
}

/** @param {number} score @returns {Word} */
export function word_of(score) {
  return score >= GOOD_FROM ? "good" : score >= FAIR_FROM ? "fair" : "poor";
}

/**
 * Sound and picture of one interval, both directions together. Bitrate is judged by the sender's estimate of the path, not by
 * what is sent: a calm picture needs little. Frames are judged only while the peer's camera is on.
 *
 * @param {Rates} rates
 * @param {{peer_camera: boolean}} expected
 * @param {Limits} [limits]
 * @returns {{audio: Score|null, video: Score|null}} null: nothing of it is sent or received
 */
export function scores(rates, { peer_camera }, limits = DEFAULT_LIMITS) {
  const [sound, sent_sound, sent_picture] = ["in:audio", "out:audio", "out:video"].map((name) => rates.streams[name]);
  const picture = peer_camera ? rates.streams["in:video"] : undefined;
  const sends_picture = (sent_picture?.frames ?? 0) > 0;
  /** @type {[Factor, number|null]} */
  const rtt = ["rtt", score_above(rates.pair?.rtt_ms, limits.rtt_ms)];
  const audio = sound || sent_sound ? worst([
    rtt,
    ["loss", score_above(sound?.loss, limits.audio_loss)],
    ["loss", score_above(sent_sound?.loss, limits.audio_loss)],
    ["sound", score_above(sound?.concealed, limits.concealed)],
    ["jitter", score_above(sound?.jitter_ms, limits.jitter_ms)],
  ]) : null;
  const video = picture || sends_picture ? worst([
    rtt,
    ["bitrate", sends_picture ? score_below(rates.pair?.available_out_bps, limits.out_bps) : null],
    ["loss", sends_picture ? score_above(sent_picture?.loss, limits.video_loss) : null],
    ["loss", score_above(picture?.loss, limits.video_loss)],
    ["freeze", score_above(picture?.freeze, limits.freeze)],
    ["frames", score_below(picture?.fps, limits.fps)],
  ]) : null;
  return { audio, video };
}

/** @param {[Factor, number|null][]} findings @returns {Score} factor: null when nothing limits */
function worst(findings) {
  /** @type {Score} */
  let found = { score: 100, factor: null };
  for (const [factor, score] of findings) if (score !== null && score < found.score) found = { score, factor };
  return found.score >= GOOD_FROM ? { score: found.score, factor: null } : found;
}

/**
 * The verdict for one interval: the worse of sound and picture.
 *
 * @param {Rates} rates
 * @param {{peer_camera: boolean}} expected
 * @param {Limits} [limits]
 * @returns {Verdict}
 */
export function judge(rates, expected, limits = DEFAULT_LIMITS) {
  const { audio, video } = scores(rates, expected, limits);
  const lower = [audio, video].reduce((one, other) => (other && other.score < (one?.score ?? 101) ? other : one), null);
  return lower ? { word: word_of(lower.score), factor: lower.factor } : { word: "good", factor: null };
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
