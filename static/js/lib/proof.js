/**
 * When a connection may be called connected: this side has seen decoded pictures or heard playing sound, and the
 * peer has said the same of its side. Transport states prove neither.
 *
 * @import { Rates } from "./stats_math.js"
 */

export class MediaProof {
  #frames = 0;
  #samples = 0;
  #seen_here = false;
  #seen_there = false;

  /** @param {{frames_needed?: number}} [options] more than one makes a swap wait for a steady picture */
  constructor({ frames_needed = 1 } = {}) {
    this.frames_needed = frames_needed;
  }

  /**
   * @param {Rates} rates
   * @param {string[]|null} peer_sends the slots the peer has a device for; null while it has not said so
   * @returns {boolean} true once, when this side's proof is complete and should be told to the peer
   */
  observe(rates, peer_sends) {
    if (this.#seen_here || peer_sends === null) return false;
    this.#frames += rates.streams["in:video"]?.frames ?? 0;
    this.#samples += rates.streams["in:audio"]?.samples ?? 0;
    const picture = peer_sends.includes("video") && this.#frames >= this.frames_needed;
    const sound = peer_sends.includes("audio") && this.#samples > 0;
    // A peer without camera and microphone is there to watch and to write: its word over the channel is all there is.
    const nothing_to_see = peer_sends.length === 0;
    this.#seen_here = picture || sound || nothing_to_see;
    return this.#seen_here;
  }

  hear_from_peer() {
    this.#seen_there = true;
  }

  get complete() {
    return this.#seen_here && this.#seen_there;
  }
}

/**
 * The same for a connection to a media server, which says nothing of what it decodes: it decodes nothing. Something
 * of somebody was decoded here; or nobody is there to send, and what is sent here is taken.
 *
 * @param {object} seen
 * @param {boolean} seen.connected keys are agreed on
 * @param {boolean} seen.decoded a picture or sound of somebody
 * @param {boolean} seen.expected somebody is there who sends
 * @param {boolean} seen.sends there is a microphone or camera here
 * @param {boolean} seen.accepted the server reports on what is sent
 */
export function is_proved({ connected, decoded, expected, sends, accepted }) {
  return connected && (decoded || (!expected && (!sends || accepted)));
}
