/**
 * Which layers of the camera are sent. Simulcast (RFC 8853) names them by rid, lowest first: "l", "m", "h".
 *
 * @typedef {{rid: string, height: number, max_bps: number}} Layer as the join descriptor lists them, lowest first
 * @typedef {{rid: string, active: boolean, scaleResolutionDownBy: number, maxBitrate: number}} Encoding an RTCRtpEncodingParameters
 */

/** What the descriptor of an older server does not say. 180p, 360p and 720p at what VP8 needs for them. */
export const DEFAULT_LAYERS = [
  { rid: "l", height: 180, max_bps: 100_000 },
  { rid: "m", height: 360, max_bps: 350_000 },
  { rid: "h", height: 720, max_bps: 1_500_000 },
];

/** From 960×540 on a third layer is worth its bits, from 480×270 on a second: Chromium itself drops them below. */
const LAYERS_FROM_PIXELS = [0, 480 * 270, 960 * 540];

/**
 * How many layers a picture of this size is sent in.
 *
 * @param {{width: number, height: number}|null} capture null while it is not known: as many as there may be
 * @param {number} most
 */
export function layer_count(capture, most) {
  if (!capture) return most;
  const pixels = capture.width * capture.height;
  return Math.min(most, LAYERS_FROM_PIXELS.filter((least) => pixels >= least).length);
}

/**
 * The encodings for a picture of this size. All rids are always there, because a negotiated list of rids cannot grow;
 * those that would only repeat a smaller picture are switched off, the highest first.
 *
 * @param {Layer[]} layers lowest first
 * @param {{width: number, height: number}|null} capture
 * @param {number} [most] send no more layers than this now
 * @returns {Encoding[]} lowest first
 */
export function camera_encodings(layers, capture, most = layers.length) {
  const count = layer_count(capture, layers.length);
  return layers.map(({ rid, max_bps }, index) => ({
    rid,
    active: index < Math.min(count, most),
    scaleResolutionDownBy: index < count ? 2 ** (count - 1 - index) : 1,
    maxBitrate: max_bps,
  }));
}
