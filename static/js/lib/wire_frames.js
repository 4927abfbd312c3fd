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

/** A few frames are always on their way. */
const SLACK_FRAMES = 10;
const SLACK_SHARE = 0.05;

/**
 * Whether more and more frames go past the worker. The two counts are read at slightly different moments, and on a busy
 * machine the worker is behind for a while: that lag comes and goes, what bypasses the worker only grows. So the least that
 * is missing in the recent readings is held against the most that was missing in the earlier ones.
 *
 * @param {{seen: KindCounts, wire: KindCounts}[]} earlier [] at the beginning of a connection: then nothing was missing
 * @param {{seen: KindCounts, wire: KindCounts}[]} recent the last one is the newest
 * @returns {boolean}
 */
export function bypasses_worker(earlier, recent) {
  return Object.entries(recent.at(-1)?.wire ?? {}).some(([way, carried]) => {
    /** @param {{seen: KindCounts, wire: KindCounts}} reading */
    const missing = ({ seen, wire }) => (wire[way] ?? 0) - (seen[way] ?? 0);
    const before = earlier.length > 0 ? Math.max(...earlier.map(missing)) : 0;
    const since = carried - (earlier.at(-1)?.wire[way] ?? 0);
    return Math.min(...recent.map(missing)) - before > SLACK_FRAMES + SLACK_SHARE * since;
  });
}
