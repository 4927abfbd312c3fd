/**
 * Two browsers tell each other, signed by their device keys, which DTLS certificate they use for their connection. A server
 * that put another one into the descriptions sits in the middle of data channels and sound, and is found out.
 *
 * @import { FrameKeys } from "./frame_keys.js"
 * @typedef {"unknown"|"good"|"bad"} FingerprintState
 */

const LABEL = "telemed fingerprint 1";
const REPEAT_MS = 1000;

/** @param {string|undefined} sdp @returns {string} the first fingerprint (RFC 8122 §5), in one spelling; "" when there is none */
export function fingerprint_of(sdp) {
  const [, hash, value] = /^a=fingerprint:(\S+) (\S+)/m.exec(sdp ?? "") ?? [];
  return hash && value ? `${hash.toLowerCase()} ${value.toUpperCase()}` : "";
}

/** @param {string|undefined} sdp @returns {boolean} whether every section names the same certificate */
function is_one_certificate(sdp) {
  const all = (sdp ?? "").match(/^a=fingerprint:.*$/gm) ?? [];
  return new Set(all.map((line) => line.trim().toLowerCase())).size === 1;
}

export class FingerprintCheck {
  /** @type {FingerprintState} */
  state = "unknown";
  #options;
  #peer_is_done = false;
  #said_at_ms = -Infinity;
  /** @type {{value: string, signature: string}|null} what the peer says of its own */
  #claim = null;
  #checking = false;

  /** @param {{keys: FrameKeys, room: string, me: string, peer: string, name_out: string, name_in: string}} options names: of this connection, as each side calls it */
  constructor(options) {
    this.#options = options;
  }

  /** @param {any} body unchecked */
  receive(body) {
    if (body?.connection !== this.#options.name_in || typeof body.value !== "string" || typeof body.signature !== "string") return;
    this.#peer_is_done = body.done === true;
    this.#claim = { value: body.value, signature: body.signature };
  }

  /** @param {number} now_ms @param {string|undefined} local_sdp @param {string|undefined} remote_sdp @returns {Promise<FingerprintState>} */
  async tick(now_ms, local_sdp, remote_sdp) {
    await this.#check(remote_sdp);
    const own = fingerprint_of(local_sdp);
    // Also by who has found a foreign one: the other may not have heard yet, and must not be left without the alarm.
    const needed = this.state !== "good" || !this.#peer_is_done;
    if (own && needed && now_ms - this.#said_at_ms >= REPEAT_MS) {
      this.#said_at_ms = now_ms;
      await this.#say(own);
    }
    return this.state;
  }

  /** @param {string} own */
  async #say(own) {
    const { keys, room, me, peer, name_out } = this.#options;
    const signature = await keys.sign(LABEL, room, me, name_out, own);
    if (signature) keys.post(peer, { kind: "fingerprint", connection: name_out, value: own, signature, done: this.state === "good" });
  }

  /** @param {string|undefined} remote_sdp */
  async #check(remote_sdp) {
    const claim = this.#claim;
    const seen = fingerprint_of(remote_sdp);
    if (this.state !== "unknown" || !claim || !seen || this.#checking) return;
    const { keys, room, peer, name_in } = this.#options;
    this.#checking = true;
    const signed = await keys.verify(peer, claim.signature, LABEL, room, peer, name_in, claim.value);
    this.#checking = false;
    if (signed === null) return;
    if (!signed) {
      this.#claim = null; // not theirs: only what is signed counts
      return;
    }
    this.state = claim.value === seen && is_one_certificate(remote_sdp) ? "good" : "bad";
    this.#said_at_ms = -Infinity;
    if (this.state === "bad") keys.raise_alarm(peer, "foreign_certificate");
  }
}
