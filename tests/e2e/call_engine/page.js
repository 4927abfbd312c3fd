/** The smallest page that holds a call: it binds the tracks and writes down what the client says, for the test to read. */

import { CallClient } from "/js/call/call_client.js";
import { open_media } from "/js/call/devices.js";
import { keep_secrets, make_card } from "./card.js";

const address = new URLSearchParams(location.search);
const secrets = keep_secrets();
const client = new CallClient({
  ws_url: `${address.get("ws")}?${new URLSearchParams({ me: address.get("me") ?? "" })}`,
  worker_url: "/js/workers/frame_worker.js",
  page_id: crypto.randomUUID(),
});

/** @type {{at_ms: number, type: string, detail: any}[]} */
const log = [];
for (const type of ["path", "heartbeat", "peer-media", "signaling", "closed", "trouble", "encryption", "key-changed", "quality", "chat", "local-media"]) {
  client.addEventListener(type, (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    log.push({ at_ms: Date.now(), type, detail: type === "trouble" ? String(detail) : structuredClone(detail) });
  });
}
client.addEventListener("remote-track", (event) => {
  const { slot, track } = /** @type {CustomEvent} */ (event).detail;
  const element = /** @type {HTMLMediaElement} */ (document.getElementById(slot));
  element.srcObject = track ? new MediaStream([track]) : null;
});

/** What the test reads of the peer connections: the library keeps them to itself. */
/** @type {RTCPeerConnection[]} */
const connections = [];
const Native = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Native {
  /** @param {RTCConfiguration} configuration */
  constructor(configuration) {
    super(configuration);
    connections.push(this);
  }
};

/** The connection of the call; the others lent their empty tracks and are closed. */
function connection() {
  return connections.findLast((candidate) => candidate.connectionState !== "closed");
}

async function received() {
  /** @type {Record<string, number>} */
  const totals = {};
  for (const stat of (await connection()?.getStats())?.values() ?? []) {
    if (stat.type !== "inbound-rtp") continue;
    totals[`${stat.mid}:${stat.kind}`] = stat.kind === "video" ? stat.framesDecoded : stat.totalSamplesReceived;
  }
  return totals;
}

// A browser that was told to send in clear has no channels: DTLS carries them. Only a control of the relay's test wants that.
if (address.get("channels") === "dead") {
  const dead = () => Object.assign(new EventTarget(), { readyState: "connecting", send() {}, close() {} });
  Native.prototype.createDataChannel = /** @type {any} */ (dead);
}

Object.assign(globalThis, {
  engine: { client, log, connections, connection, received, secrets },
});
/** @type {Record<string, () => Promise<MediaStream|null>|MediaStream|null>} */
const sources = { none: () => null, card: make_card };
const stream = await (sources[address.get("media") ?? ""] ?? open_media)();
client.start(stream);
