/**
 * Arithmetic on getStats (W3C webrtc-stats). A report is a list of plain statistics objects; two samples one second
 * apart give rates. Ratios are 0 to 1, rates bits per second, times milliseconds; null means "not measured".
 *
 * @typedef {{type: string, id: string, [key: string]: any}} Stat
 * @typedef {Record<string, number>} Counters
 *
 * @typedef {object} Pair the candidate pair that carries the media now
 * @property {string} local "host", "srflx", "prflx" or "relay"
 * @property {string} remote
 * @property {string} protocol "udp" or "tcp"; for a relay, how the relay is reached ("udp", "tcp", "tls")
 * @property {string} [relay] host name of the relay that this end uses, "" for none
 * @property {number|null} rtt_ms
 * @property {number|null} available_out_bps the sender's own estimate of what the path can carry
 * @property {number} received grows with every sign of life from the other end: bytes, and answers to checks
 *
 * @typedef {object} Sample
 * @property {number} at_ms
 * @property {Pair|null} pair
 * @property {Record<string, Counters>} streams by "in:audio", "in:video", "in:screen", "out:audio", ...; of a connection to
 *   a media server the received ones by "in:<mid>:audio" and "in:<mid>:video"
 *
 * @typedef {object} StreamRates
 * @property {number} bitrate_bps
 * @property {number|null} loss
 * @property {number|null} jitter_ms
 * @property {number|null} fps
 * @property {number|null} freeze share of the time the picture stood still
 * @property {number|null} concealed share of the sound that was invented to fill gaps
 * @property {number|null} [rtt_ms] of what is sent, as the receiver's reports tell it
 * @property {number} [rtt_told_at_ms] when the report came
 * @property {number} frames decoded (in) or encoded (out) since the last sample
 * @property {number} samples audio samples played since the last sample
 *
 * @typedef {object} Rates
 * @property {number} interval_ms
 * @property {Pair|null} pair
 * @property {Record<string, StreamRates>} streams
 */

const COUNTED = [
  "packetsReceived", "packetsLost", "packetsSent", "bytesReceived", "bytesSent", "framesDecoded", "framesEncoded",
  "totalFreezesDuration", "concealedSamples", "silentConcealedSamples", "totalSamplesReceived", "jitter",
];

/**
 * The pair by transport.selectedCandidatePairId: `nominated` is true for several pairs after an ICE restart.
 * Firefox has no transport statistics; there the selected pair says so itself.
 *
 * @param {Stat[]} stats
 * @returns {Pair|null}
 */
export function selected_pair(stats) {
  const by_id = new Map(stats.map((stat) => [stat.id, stat]));
  const transport = stats.find((stat) => stat.type === "transport" && stat.selectedCandidatePairId);
  const pair = transport
    ? by_id.get(transport.selectedCandidatePairId)
    : stats.find((stat) => stat.type === "candidate-pair" && stat.selected === true);
  if (!pair) return null;
  const local = by_id.get(pair.localCandidateId);
  const remote = by_id.get(pair.remoteCandidateId);
  if (!local || !remote) return null;
  return {
    // The relay's own address may be translated once more on its way: then the pair's candidate is a reflexive one of it.
    local: local.candidateType === "prflx" && local.relayProtocol ? "relay" : (local.candidateType ?? ""),
    remote: remote.candidateType ?? "",
    protocol: local.relayProtocol ?? local.protocol ?? "",
    relay: local.relayProtocol ? relay_host(local.url) : "",
    rtt_ms: typeof pair.currentRoundTripTime === "number" ? pair.currentRoundTripTime * 1000 : null,
    available_out_bps: pair.availableOutgoingBitrate ?? null,
    received: (pair.bytesReceived ?? 0) + (pair.responsesReceived ?? 0),
  };
}

/** @param {unknown} url of a relay (RFC 7065): turn:host:port?transport=udp @returns {string} */
export function relay_host(url) {
  return typeof url === "string" ? (/^turns?:\[?([A-Za-z0-9.:-]+?)\]?(?::\d+)?(?:\?|$)/.exec(url)?.[1] ?? "") : "";
}

/**
 * The route in the two words people are told (PRIV-2): a relay on either side is a relay.
 *
 * @param {Pair|null} pair
 * @returns {"direct"|"relay"|""}
 */
export function route_of(pair) {
  if (!pair) return "";
  return pair.local === "relay" || pair.remote === "relay" ? "relay" : "direct";
}

/**
 * @param {Stat[]} stats
 * @param {Record<string, string>} slots "audio", "video" or "screen" by the stat's `mid`
 * @param {number} at_ms
 * @returns {Sample}
 */
export function sample(stats, slots, at_ms) {
  /** @type {Record<string, Counters>} */
  const streams = {};
  const by_id = new Map(stats.map((stat) => [stat.id, stat]));
  for (const stat of stats) {
    const direction = stat.type === "inbound-rtp" ? "in" : stat.type === "outbound-rtp" ? "out" : null;
    const slot = slots[stat.mid];
    if (!direction || !slot) continue;
    /** @type {Counters} */
    const counters = {};
    for (const name of COUNTED) if (typeof stat[name] === "number") counters[name] = stat[name];
    const told_by_peer = stat.remoteId ? by_id.get(stat.remoteId) : undefined;
    if (direction === "out" && told_by_peer) {
      if (typeof told_by_peer.fractionLost === "number") counters.fractionLost = told_by_peer.fractionLost;
      if (typeof told_by_peer.jitter === "number") counters.jitter = told_by_peer.jitter;
      if (typeof told_by_peer.roundTripTime === "number") {
        counters.roundTripTime = told_by_peer.roundTripTime;
        counters.roundTripToldAt = told_by_peer.timestamp ?? 0;
      }
    }
    const name = `${direction}:${slot}`;
    // The layers of a simulcast picture are streams of one section.
    streams[name] = streams[name] ? sum_of_layers(streams[name], counters) : counters;
  }
  return { at_ms, pair: selected_pair(stats), streams };
}

/** @param {Counters} one @param {Counters} other @returns {Counters} */
function sum_of_layers(one, other) {
  const sum = { ...one };
  for (const [name, value] of Object.entries(other)) {
    const shares = ["fractionLost", "jitter", "roundTripTime", "roundTripToldAt", "framesEncoded"].includes(name);
    sum[name] = shares ? Math.max(sum[name] ?? 0, value) : (sum[name] ?? 0) + value;
  }
  return sum;
}

/**
 * What happened between two samples. A stream whose counters went backwards (a new SSRC) counts from zero again.
 *
 * @param {Sample} previous
 * @param {Sample} current
 * @returns {Rates}
 */
export function rates_between(previous, current) {
  const interval_ms = Math.max(1, current.at_ms - previous.at_ms);
  /** @type {Record<string, StreamRates>} */
  const streams = {};
  for (const [name, now] of Object.entries(current.streams)) {
    const before = previous.streams[name] ?? {};
    /** @param {string} counter */
    const grown = (counter) => {
      const value = now[counter] ?? 0;
      const old = before[counter] ?? 0;
      return value >= old ? value - old : value;
    };
    const received = grown("packetsReceived");
    // packetsLost may shrink when a late packet arrives: that is not a new stream.
    const lost = Math.max(0, (now.packetsLost ?? 0) - (before.packetsLost ?? 0));
    const frames = grown("framesDecoded") + grown("framesEncoded");
    const samples = grown("totalSamplesReceived");
    const inbound = name.startsWith("in:");
    const audio = name.endsWith(":audio");
    streams[name] = {
      bitrate_bps: (8000 * (grown("bytesReceived") + grown("bytesSent"))) / interval_ms,
      loss: inbound ? (received + lost > 0 ? lost / (received + lost) : null) : (now.fractionLost ?? null),
      jitter_ms: now.jitter === undefined ? null : now.jitter * 1000,
      fps: audio ? null : (1000 * frames) / interval_ms,
      freeze: inbound && !audio ? Math.min(1, (1000 * grown("totalFreezesDuration")) / interval_ms) : null,
      concealed:
        inbound && audio && samples > 0
          ? Math.max(0, grown("concealedSamples") - grown("silentConcealedSamples")) / samples
          : null,
      frames,
      samples,
      ...(now.roundTripTime === undefined ? {} : { rtt_ms: now.roundTripTime * 1000, rtt_told_at_ms: now.roundTripToldAt ?? 0 }),
    };
  }
  return { interval_ms, pair: current.pair, streams };
}

/**
 * The newest word on the round trip: reports on a picture come every second, on sound every five, checks of the pair every few.
 *
 * @param {Rates} rates
 * @returns {number|null}
 */
export function round_trip_ms({ pair, streams }) {
  let newest_ms = -1;
  let rtt = pair?.rtt_ms ?? null;
  for (const { rtt_ms, rtt_told_at_ms = 0 } of Object.values(streams)) {
    if (typeof rtt_ms !== "number" || rtt_told_at_ms < newest_ms) continue;
    rtt = rtt_told_at_ms === newest_ms ? Math.min(rtt ?? rtt_ms, rtt_ms) : rtt_ms;
    newest_ms = rtt_told_at_ms;
  }
  return rtt;
}
