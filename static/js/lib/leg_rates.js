/**
 * Readings of one connection to the media server, taken apart: what is sent, and what is received of each person.
 *
 * @import { Rates, StreamRates } from "./stats_math.js"
 * @import { Verdict } from "./quality.js"
 * @import { Slot } from "./sfu_lines.js"
 */

/**
 * What is received of one person, in the words of a connection to that person alone. Without the pair: it is this
 * page's way to the server and says nothing about theirs.
 *
 * @param {Rates} rates streams named "in:<mid>:<kind>"
 * @param {Partial<Record<Slot, string>>} mids
 * @returns {Rates}
 */
export function rates_of_peer({ interval_ms, streams }, mids) {
  /** @type {Record<string, StreamRates>} */
  const own = {};
  for (const [slot, mid] of Object.entries(mids)) {
    const stream = streams[`in:${mid}:${slot === "audio" ? "audio" : "video"}`];
    if (stream) own[`in:${slot}`] = stream;
  }
  return { interval_ms, pair: null, streams: own };
}

/**
 * What this page sends, and its way to the server.
 *
 * @param {Rates} rates
 * @param {number} layers how many the camera is sent in
 * @returns {Rates}
 */
export function own_rates({ interval_ms, pair, streams }, layers) {
  const own = Object.fromEntries(Object.entries(streams).filter(([name]) => name.startsWith("out:")));
  // The estimate only grows to what there is to send: one small layer says nothing about the path.
  const known = pair && layers < 2 ? { ...pair, available_out_bps: null } : pair;
  return { interval_ms, pair: known, streams: own };
}

/**
 * Everybody's streams as if they were one person's, the worst of each: what the server compares a direct path with.
 *
 * @param {Rates} own what this page sends, and its way to the server
 * @param {Rates} rates
 * @param {{mids: Partial<Record<Slot, string>>, camera: boolean}[]} peers camera: it is on and shown
 * @returns {Rates}
 */
export function rates_as_between_two(own, rates, peers) {
  const streams = { ...own.streams };
  for (const { mids, camera } of peers) {
    const { streams: theirs } = rates_of_peer(rates, mids);
    for (const [name, stream] of Object.entries(theirs)) {
      if (name === "in:video" && !camera) continue;
      streams[name] = streams[name] ? worst_of(streams[name], stream) : stream;
    }
  }
  return { ...own, streams };
}

/** @param {StreamRates} one @param {StreamRates} other @returns {StreamRates} */
function worst_of(one, other) {
  /** @param {"loss"|"jitter_ms"|"freeze"|"concealed"} what */
  const larger = (what) => (one[what] === null ? other[what] : other[what] === null ? one[what] : Math.max(one[what], other[what]));
  return {
    ...one,
    bitrate_bps: one.bitrate_bps + other.bitrate_bps,
    loss: larger("loss"),
    jitter_ms: larger("jitter_ms"),
    freeze: larger("freeze"),
    concealed: larger("concealed"),
    fps: one.fps === null ? other.fps : other.fps === null ? one.fps : Math.min(one.fps, other.fps),
  };
}

/** @param {Rates} rates @returns {boolean} a picture was decoded or sound played that came from somebody */
export function decoded({ streams }) {
  return Object.entries(streams).some(([name, { frames, samples, bitrate_bps }]) =>
    name.startsWith("in:") && bitrate_bps > 0 && (frames > 0 || samples > 0));
}

/** @param {Rates} rates @returns {boolean} the server reports on something that is sent (RFC 3550 §6.4) */
export function accepted({ streams }) {
  return Object.entries(streams).some(([name, { loss }]) => name.startsWith("out:") && loss !== null);
}

/** @param {Rates} rates @returns {boolean} media leaves or arrives, so the other end must be heard of every second */
export function flows({ streams }) {
  return Object.values(streams).some(({ bitrate_bps }) => bitrate_bps > 0);
}

const ORDER = { good: 0, fair: 1, poor: 2 };

/**
 * The worse of what was measured here and what the server says.
 *
 * @param {Verdict} here
 * @param {unknown} server_word "good", "fair", "poor", or nothing known
 * @returns {Verdict}
 */
export function worse(here, server_word) {
  if (server_word !== "fair" && server_word !== "poor") return here;
  return ORDER[server_word] > ORDER[here.word] ? { word: server_word, factor: null } : here;
}
