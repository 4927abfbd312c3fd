/**
 * Frames that a connection carried, from getStats: what the browser itself says, to be held against what the worker saw.
 * A browser that lost a transform, or never took it, sends more than the worker ever had in its hands.
 *
 *   encoder ─▶ framesEncoded ─▶ [worker] ─▶ packetsSent          packetsReceived ─▶ [worker] ─▶ framesDecoded ─▶ screen
 *
 * Of pictures frames are counted; sound has one packet a frame (RFC 7587 §4.2), and no repeats over RTX here.
 *
 * @typedef {Record<string, number>} KindCounts by "send:audio", "send:video", "receive:audio", "receive:video"
 */

/** By direction in getStats. @type {Record<string, {way: string, audio: string, video: string}>} */
const COUNTERS = {
  "outbound-rtp": { way: "send", audio: "packetsSent", video: "framesEncoded" },
  "inbound-rtp": { way: "receive", audio: "packetsReceived", video: "framesDecoded" },
};

/** The two are read at slightly different moments, and getStats may be 50 ms old. */
const SLACK_FRAMES = 10;
const SLACK_SHARE = 0.1;

/** @param {Iterable<{type: string, [key: string]: any}>} stats @returns {KindCounts} */
export function wire_frames(stats) {
  /** @type {KindCounts} */
  const counts = {};
  for (const row of stats) {
    const found = COUNTERS[row.type];
    if (!found) continue;
    const word = `${found.way}:${row.kind}`;
    counts[word] = (counts[word] ?? 0) + (row[row.kind === "audio" ? found.audio : found.video] ?? 0);
  }
  return counts;
}

/** @param {KindCounts} grown on the wire @param {KindCounts} seen by the worker, in the same time @returns {boolean} */
export function bypasses_worker(grown, seen) {
  return Object.entries(grown).some(([word, count]) => count - (seen[word] ?? 0) > SLACK_FRAMES + SLACK_SHARE * count);
}
