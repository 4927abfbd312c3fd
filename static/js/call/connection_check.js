/**
 * How good is the way to our server, and which of the relay's doors are open? No DOM, no credentials: the relay is asked
 * with deliberately invalid ones, and its refusal (401) proves that the transport reaches it (SEC-9).
 */

const PROBE_TIMEOUT_MS = 6000;
const SAMPLES = 5;
/** A request of this length makes talking tiring; twice that makes it hard (ITU-T G.114, one way 150 and 400 ms). */
export const GOOD_BELOW_MS = 200;
export const FAIR_BELOW_MS = 400;

/** @typedef {"good"|"fair"|"poor"|"unknown"} NetworkWord */
/** @typedef {{udp: boolean|null, tcp: boolean|null, tls: boolean|null}} TurnReach */

/**
 * Median time of a small request to our own server, without the first (it pays for the connection).
 *
 * @param {string} url a file of ours, of a few hundred bytes
 * @returns {Promise<number|null>} milliseconds, null when more than one request failed
 */
export async function measure_rtt_ms(url) {
  const times_ms = [];
  for (let sample = 0; sample <= SAMPLES; sample += 1) {
    const start_ms = performance.now();
    try {
      const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(3000) });
      await response.arrayBuffer();
      if (sample > 0) times_ms.push(performance.now() - start_ms);
    } catch {
      // Counted by its absence below.
    }
  }
  if (times_ms.length < SAMPLES - 1) return null;
  times_ms.sort((a, b) => a - b);
  return Math.round(times_ms[Math.floor(times_ms.length / 2)] ?? 0);
}

/**
 * @param {number|null} rtt_ms
 * @param {number} [downlink_mbps] the browser's own estimate, where it has one
 * @returns {NetworkWord}
 */
export function network_word(rtt_ms, downlink_mbps) {
  if (rtt_ms === null) return "poor";
  if (downlink_mbps !== undefined && downlink_mbps < 0.3) return "poor";
  if (rtt_ms >= FAIR_BELOW_MS) return "poor";
  if (rtt_ms >= GOOD_BELOW_MS || (downlink_mbps !== undefined && downlink_mbps < 1)) return "fair";
  return "good";
}

/** @param {string} url @returns {"udp"|"tcp"|"tls"} */
export function turn_transport(url) {
  if (url.startsWith("turns:")) return "tls";
  return /[?&]transport=tcp/.test(url) ? "tcp" : "udp";
}

/**
 * Tries every transport of the relay at the same time.
 *
 * @param {RTCIceServer[]} ice_servers with invalid credentials
 * @returns {Promise<TurnReach>} null where nothing was found out: no such server, or a browser that does not say
 */
export async function probe_turn(ice_servers) {
  /** @type {TurnReach} */
  const reach = { udp: null, tcp: null, tls: null };
  await Promise.all(
    ice_servers.flatMap((server) =>
      [server.urls].flat().filter((url) => url.startsWith("turn")).map(async (url) => {
        const answer = await probe_url({ ...server, urls: url });
        const transport = turn_transport(url);
        // One open door per transport is enough when there are several servers.
        if (answer !== null) reach[transport] = reach[transport] === true || answer;
      }),
    ),
  );
  return reach;
}

/** @param {RTCIceServer} server @returns {Promise<boolean|null>} */
async function probe_url(server) {
  const connection = new RTCPeerConnection({ iceServers: [server], iceTransportPolicy: "relay" });
  try {
    return await new Promise((resolve) => {
      /** @type {boolean|null} */
      let found = null;
      const timer = setTimeout(() => resolve(found), PROBE_TIMEOUT_MS);
      const finish = (/** @type {boolean|null} */ answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      connection.addEventListener("icecandidateerror", (event) => {
        if (event.errorCode === 401 || event.errorCode === 403) finish(true);
        else found = false;
      });
      connection.addEventListener("icegatheringstatechange", () => {
        if (connection.iceGatheringState === "complete") finish(found);
      });
      connection.createDataChannel("probe");
      connection.setLocalDescription().catch(() => finish(null));
    });
  } finally {
    connection.close();
  }
}
