/**
 * What a page tells the server of one standing path every two seconds (docs/PROTOCOL.md, `quality`).
 *
 * @import { Measured } from "./quality_window.js"
 * @import { Message } from "./protocol.js"
 *
 * @typedef {""|"lowered"|"audio_first"|"audio_only"} Remedy what this sender already does about a thin path
 */

/**
 * @param {Measured} measured
 * @param {{engine: string, warm: boolean, remedy: Remedy}} path warm: built beside the one in use, not shown
 * @returns {Message}
 */
export function quality_report({ audio, video, rates }, { engine, warm, remedy }) {
  const { pair, streams } = rates;
  const [sound, picture, sent_sound, sent_picture] = ["in:audio", "in:video", "out:audio", "out:video"].map((name) => streams[name]);
  return {
    type: "quality",
    warm,
    engine,
    audio: audio?.score ?? null,
    video: video?.score ?? null,
    audio_factor: audio?.factor ?? "",
    video_factor: video?.factor ?? "",
    rtt_ms: rounded(pair?.rtt_ms, 1),
    jitter_ms: rounded(sound?.jitter_ms, 1),
    loss_in: rounded(largest(sound?.loss, picture?.loss), 4),
    loss_out: rounded(largest(sent_sound?.loss, sent_picture?.loss), 4),
    concealed: rounded(sound?.concealed, 4),
    freeze: rounded(picture?.freeze, 4),
    fps: rounded(picture?.fps, 1),
    in_bps: rounded(total(streams, "in:"), 0),
    out_bps: rounded(total(streams, "out:"), 0),
    available_out_bps: rounded(pair?.available_out_bps, 0),
    remedy,
  };
}

/** @param {Record<string, {bitrate_bps: number}>} streams @param {string} direction */
function total(streams, direction) {
  return Object.entries(streams).reduce((sum, [name, { bitrate_bps }]) => (name.startsWith(direction) ? sum + bitrate_bps : sum), 0);
}

/** @param {number|null|undefined} one @param {number|null|undefined} other */
function largest(one, other) {
  return Math.max(one ?? -1, other ?? -1) < 0 ? null : Math.max(one ?? 0, other ?? 0);
}

/** @param {number|null|undefined} value @param {number} digits */
function rounded(value, digits) {
  return value === null || value === undefined ? null : Number(value.toFixed(digits));
}
