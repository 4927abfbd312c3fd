/**
 * Four words that everybody in a visit sees alike, unless somebody sits between them (SEC-24).
 *
 * The words come from all cards and one fresh nonce of each device. Each commits to its nonce before it sees any
 * other, so that whoever puts false cards between people gets one blind try in 2^32 per round, and cannot search for
 * keys that give the same words (RFC 6189 §4.4.1.1 explains the attack on shorter designs).
 *
 *   cards of all known ─▶ commit ─ all commits in ─▶ reveal ─ all reveals in and true ─▶ words
 *
 * Pure but for the digest. Another membership is another round.
 *
 * @typedef {{kind: "commit", round: string, hash: string} | {kind: "reveal", round: string, nonce: string}} RoundMessage
 */

import { from_base64url, to_base64url } from "./base64url.js";
import { sha256 } from "./device_keys.js";

export const WORDS = 4;
const NONCE_BYTES = 16;

/** @param {...string} fields */
async function digest(...fields) {
  return to_base64url(await sha256(new TextEncoder().encode(fields.join("\n"))));
}

/** @param {Map<string, string>} cards digests by participant */
const sorted_lines = (cards) => [...cards].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, card]) => `${id} ${card}`);

/** @param {Map<string, string>} cards digests by participant, this one included @returns {Promise<string>} */
export function round_name(cards) {
  return digest("telemed words 1", ...sorted_lines(cards));
}

export class SafetyRound {
  /** @type {Map<string, string>} */
  #commits = new Map();
  /** @type {Map<string, string>} */
  #nonces = new Map();
  #nonce;

  /**
   * @param {string} name of round_name
   * @param {string} me
   * @param {string[]} others
   * @param {Uint8Array} nonce 16 random bytes, used for this round only
   */
  constructor(name, me, others, nonce) {
    if (nonce.length !== NONCE_BYTES) throw new RangeError("16 bytes");
    this.name = name;
    this.me = me;
    this.others = others;
    this.#nonce = to_base64url(nonce);
    this.#nonces.set(me, this.#nonce);
    /** True once somebody revealed what they had not committed to: an attack, or a broken browser. */
    this.cheated = false;
  }

  /** @param {string} participant @param {string} nonce */
  #hash(participant, nonce) {
    return digest("telemed commit 1", this.name, participant, nonce);
  }

  /** @returns {boolean} nobody's nonce may be seen before everybody is bound to theirs */
  get may_reveal() {
    return this.others.every((id) => this.#commits.has(id));
  }

  get complete() {
    return !this.cheated && this.others.every((id) => this.#nonces.has(id));
  }

  /** @returns {Promise<RoundMessage[]>} what this side may say by now; repeat it until the round is complete for all */
  async messages() {
    /** @type {RoundMessage[]} */
    const messages = [{ kind: "commit", round: this.name, hash: await this.#hash(this.me, this.#nonce) }];
    if (this.may_reveal) messages.push({ kind: "reveal", round: this.name, nonce: this.#nonce });
    return messages;
  }

  /** @param {string} from @param {any} message of this round, unchecked @returns {Promise<void>} */
  async take(from, message) {
    if (!this.others.includes(from)) return;
    if (message.kind === "commit" && typeof message.hash === "string") {
      const known = this.#commits.get(from);
      if (known === undefined) this.#commits.set(from, message.hash);
      else if (known !== message.hash) this.cheated = true;
    } else if (message.kind === "reveal" && from_base64url(message.nonce)?.length === NONCE_BYTES) {
      const commit = this.#commits.get(from);
      if (commit === undefined) return; // overtook its commit; it will be repeated
      if ((await this.#hash(from, message.nonce)) === commit) this.#nonces.set(from, message.nonce);
      else this.cheated = true;
    }
  }

  /** @returns {Promise<number[]>} four indexes into a list of 256 words; call when complete */
  async word_indexes() {
    const bytes = from_base64url(await digest("telemed words 1", this.name, ...sorted_lines(this.#nonces)));
    return [...(bytes ?? [])].slice(0, WORDS);
  }
}
