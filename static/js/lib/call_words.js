/**
 * Which words the call shows, from what was measured. Keys of the page's texts, never prose.
 * Nothing is claimed before a connection stands: route and privacy are "pending" until then (PRIV-2).
 *
 * @typedef {{state: string, route: string}} Path as `path` events carry it: connecting | connected | lost | failed; direct | relay | server | ""
 * @typedef {{route: "none"|"pending"|"direct"|"relay"|"server"|"mixed"|"lost"|"failed", encrypted: boolean}} PathWords
 *   encrypted: at least to the clinic's own server; whether from end to end says `privacy_key`
 */

const ROUTES = ["direct", "relay", "server"];

/**
 * One sentence for all paths of this person: the worst state first, then the route they share.
 *
 * @param {Iterable<Path>} paths one per peer that should be connected
 * @returns {PathWords}
 */
export function path_words(paths) {
  const all = [...paths];
  const any = (/** @type {string} */ state) => all.some((path) => path.state === state);
  if (any("failed")) return { route: "failed", encrypted: false };
  if (any("lost")) return { route: "lost", encrypted: false };
  if (all.length === 0) return { route: "none", encrypted: false };
  if (all.some((path) => path.state !== "connected" || !ROUTES.includes(path.route))) {
    return { route: "pending", encrypted: false };
  }
  const routes = new Set(all.map((path) => path.route));
  const route = routes.has("server") ? "server" : routes.size > 1 ? "mixed" : routes.has("relay") ? "relay" : "direct";
  return { route, encrypted: true };
}

/**
 * What may be promised about who can read sound and picture (PRIV-2): of what was counted, and of a path that stands.
 *
 * @param {PathWords} words
 * @param {import("./encryption_state.js").EncryptionState} state
 * @returns {"pending"|"proving"|"alarm"|"e2e_direct"|"e2e_relayed"|"e2e_server"|"recorder_key"|"encrypted"|"server"} end of a text key
 */
export function privacy_key({ encrypted }, state) {
  if (state === "alarm") return "alarm";
  if (!encrypted) return "pending";
  if (state === "pending") return "proving";
  if (state === "transport") return "encrypted";
  return state === "to_server" ? "server" : state;
}

/**
 * The word for the quality, and the factor that limits it when that is worth a sentence.
 *
 * @param {{word: string, factor: string|null}|null} verdict null: nothing measured yet
 * @param {PathWords} words
 * @returns {{key: string, tip: string|null}}
 */
export function quality_words(verdict, words) {
  if (words.route === "lost" || words.route === "failed") return { key: "call_quality_lost", tip: null };
  if (words.route === "none") return { key: "call_quality_none", tip: null };
  if (!words.encrypted || verdict === null) return { key: "call_quality_pending", tip: null };
  const tip = verdict.word === "poor" && verdict.factor ? `call_tip_${verdict.factor}` : null;
  return { key: `call_quality_${verdict.word}`, tip };
}

/**
 * What a person's tile says about its picture.
 *
 * @param {{present: boolean, path: string, camera: boolean, has_picture: boolean, stands_still: boolean, lost?: boolean, paused?: boolean}} peer
 *   path: this page's own, or "refused": this visit has no sound and picture; lost: the other person's connection to the clinic's server is interrupted, ours stands;
 *   has_picture: a frame was ever shown; stands_still: no new one came for a while although the camera is on;
 *   paused: the server holds the picture back so that the sound gets through
 * @returns {{connection: "connecting"|"live"|"lost", cover: string|null, frozen: string|null}} keys: of the text over the
 *   initials, and of the text over a picture that is not live
 */
export function tile_words({ present, path, camera, has_picture, stands_still, lost = false, paused = false }) {
  if (path === "refused") return { connection: "connecting", cover: present ? "call_peer_here" : "call_peer_away", frozen: null };
  if (path === "connected" && lost) {
    return camera && has_picture
      ? { connection: "lost", cover: null, frozen: "call_peer_interrupted" }
      : { connection: "lost", cover: "call_peer_interrupted", frozen: null };
  }
  if (path === "lost" || path === "failed") {
    return camera && has_picture
      ? { connection: "lost", cover: null, frozen: "call_peer_frozen" }
      : { connection: "lost", cover: "call_peer_away", frozen: null };
  }
  if (path !== "connected") {
    return { connection: "connecting", cover: present ? "call_peer_connecting" : "call_peer_away", frozen: null };
  }
  if (!camera) return { connection: "live", cover: "call_peer_no_camera", frozen: null };
  if (paused) return { connection: "live", cover: "call_peer_paused", frozen: null };
  if (!has_picture) return { connection: "live", cover: "call_peer_connecting", frozen: null };
  return { connection: "live", cover: null, frozen: stands_still ? "call_peer_stands_still" : null };
}
