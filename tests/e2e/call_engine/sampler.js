/**
 * Looks at a connection's statistics again and again, for tests that need to know when something was so.
 *
 * @typedef {object} Sample totals since the connection was made; rx by "peer slot", tx by rid ("audio" for the voice)
 * @property {number} at_ms
 * @property {Record<string, {frames: number, freeze_s: number, freezes: number, height: number, packets: number, lost: number,
 *   repaired: number, nacks: number, plis: number, bytes: number, samples: number, concealed: number}>} rx
 * @property {Record<string, {frames: number, height: number, bytes: number, limited: string}>} tx
 * @property {{bytes_in: number, bytes_out: number, up_bps: number, rtt_s: number}} pair
 */

/**
 * @param {number} every_ms
 * @param {() => RTCPeerConnection|undefined} connection
 * @param {Map<string, HTMLMediaElement>} elements by "peer slot"
 */
export function sample_every(every_ms, connection, elements) {
  /** @type {Sample[]} */
  const samples = [];
  const look = async () => {
    const stats = [...((await connection()?.getStats())?.values() ?? [])];
    if (stats.length) samples.push(read(stats, elements));
    setTimeout(look, every_ms);
  };
  look();
  return samples;
}

/** @param {any[]} stats @param {Map<string, HTMLMediaElement>} elements @returns {Sample} */
function read(stats, elements) {
  /** @type {Sample} */
  const sample = { at_ms: Date.now(), rx: {}, tx: {}, pair: { bytes_in: 0, bytes_out: 0, up_bps: 0, rtt_s: 0 } };
  const by_track = new Map(stats.filter(({ type }) => type === "inbound-rtp").map((row) => [row.trackIdentifier, row]));
  for (const [key, element] of elements) {
    const row = by_track.get(/** @type {MediaStream|null} */ (element.srcObject)?.getTracks()[0]?.id);
    if (!row) continue;
    sample.rx[key] = {
      frames: row.framesDecoded ?? 0,
      freeze_s: row.totalFreezesDuration ?? 0,
      freezes: row.freezeCount ?? 0,
      height: row.frameHeight ?? 0,
      packets: row.packetsReceived ?? 0,
      lost: row.packetsLost ?? 0,
      repaired: row.retransmittedPacketsReceived ?? 0,
      nacks: row.nackCount ?? 0,
      plis: row.pliCount ?? 0,
      bytes: row.bytesReceived ?? 0,
      samples: row.totalSamplesReceived ?? 0,
      concealed: row.concealedSamples ?? 0,
    };
  }
  for (const row of stats) {
    if (row.type === "outbound-rtp" && (row.kind === "audio" || row.mid === "1")) {
      sample.tx[row.kind === "audio" ? "audio" : row.rid ?? ""] = {
        frames: row.framesSent ?? 0,
        height: row.frameHeight ?? 0,
        bytes: row.bytesSent ?? 0,
        limited: row.qualityLimitationReason ?? "",
      };
    }
    if (row.type === "candidate-pair" && row.nominated) {
      sample.pair = {
        bytes_in: row.bytesReceived,
        bytes_out: row.bytesSent,
        up_bps: row.availableOutgoingBitrate ?? 0,
        rtt_s: row.currentRoundTripTime ?? 0,
      };
    }
  }
  return sample;
}
