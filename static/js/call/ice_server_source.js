/** The ICE servers with credentials that are still good: asked from the server, kept for half their life. */

/** How long a restart waits for new credentials when the way to the server is broken as well. */
const PATIENCE_MS = 2500;

export class IceServerSource {
  /** @type {RTCIceServer[]|null} */
  #servers = null;
  #renew_at_ms = -Infinity;
  #ask;

  /** @param {() => Promise<{[key: string]: any}>} ask resolves with {ice_servers, ttl_s} */
  constructor(ask) {
    this.#ask = ask;
  }

  /** Whether one of the last servers is a relay. */
  get has_relay() {
    return (this.#servers ?? []).some(({ urls }) => [urls].flat().some((url) => /^turns?:/.test(url)));
  }

  /**
   * @param {boolean} if_older true: null when the servers given last are still good
   * @returns {Promise<RTCIceServer[]|null>} the last known ones when the server cannot be asked now, at worst none
   */
  async get(if_older) {
    if (performance.now() < this.#renew_at_ms) return if_older ? null : this.#servers;
    /** @type {Promise<null>} */
    const patience = new Promise((resolve) => setTimeout(() => resolve(null), PATIENCE_MS));
    // A refusal (not admitted any more) leaves nothing to connect with; the snapshot that explains it is on its way.
    const reply = await Promise.race([this.#ask().catch(() => null), patience]);
    if (reply) {
      this.#servers = reply.ice_servers;
      this.#renew_at_ms = performance.now() + reply.ttl_s * 500;
    }
    return this.#servers ?? [];
  }
}
