/**
 * Perfect negotiation (W3C webrtc §10.7) without the browser: who yields when both sides offer at once.
 *
 * @typedef {"apply"|"ignore"} Verdict
 */

export class Negotiation {
  #making_offer = false;
  #ignoring_offer = false;
  #setting_remote_answer = false;

  /** @param {boolean} polite the polite side takes back its own offer; exactly one of two is polite */
  constructor(polite) {
    this.polite = polite;
  }

  /** From the moment an offer is begun until it is sent, the signaling state does not show it yet. */
  begin_offer() {
    this.#making_offer = true;
  }

  end_offer() {
    this.#making_offer = false;
  }

  /**
   * What to do with a description that just arrived.
   *
   * @param {string} type "offer" or "answer"
   * @param {RTCSignalingState} signaling_state
   * @returns {Verdict}
   */
  judge(type, signaling_state) {
    if (type === "answer" && signaling_state !== "have-local-offer") return "ignore";
    const ready = !this.#making_offer && (signaling_state === "stable" || this.#setting_remote_answer);
    const collision = type === "offer" && !ready;
    this.#ignoring_offer = collision && !this.polite;
    return this.#ignoring_offer ? "ignore" : "apply";
  }

  /** @param {string} type */
  begin_remote(type) {
    this.#setting_remote_answer = type === "answer";
  }

  end_remote() {
    this.#setting_remote_answer = false;
  }

  /** True while the peer's candidates may belong to an offer that was ignored: their failure is expected. */
  get candidates_may_fail() {
    return this.#ignoring_offer;
  }
}
