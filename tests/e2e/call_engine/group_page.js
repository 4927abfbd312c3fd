/** The smallest page that holds a call of many: an element for every track, and a diary of what the client says. */

import { CallClient } from "/js/call/call_client.js";
import { keep_secrets, make_card, make_clock, make_crowd } from "./card.js";
import { sample_every } from "./sampler.js";
import { Voice } from "./voice.js";

const address = new URLSearchParams(location.search);
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

const secrets = keep_secrets();

const client = new CallClient({
  ws_url: `${address.get("ws")}?${new URLSearchParams({ me: address.get("me") ?? "" })}`,
  worker_url: address.get("spy") ? "/page/spied_worker.js" : "/js/workers/frame_worker.js",
  page_id: crypto.randomUUID(),
});

/** @type {{at_ms: number, type: string, detail: any}[]} */
const log = [];
for (const type of ["path", "heartbeat", "peer-media", "signaling", "closed", "trouble", "encryption", "key-changed", "quality", "peer-quality", "chat", "speakers", "refused"]) {
  client.addEventListener(type, (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    log.push({ at_ms: Date.now(), type, detail: type === "trouble" ? String(detail?.stack ?? detail) : structuredClone(detail) });
  });
}

/** @type {Map<string, HTMLMediaElement>} by "peer slot" */
const elements = new Map();
/** Frames and sound that played, by "peer slot", whichever connection they came over. @type {Record<string, number>} */
const played = {};
/** The longest pause between two frames in ms, by "peer slot"; a test may clear it. @type {Record<string, number>} */
const gaps = {};
/** A picture without a new frame for so long is none. */
const GONE_MS = 1000;
/** When the picture that is shown changed its size, 0 for none, by "peer slot". @type {Record<string, {at_ms: number, height: number}[]>} */
const heights = {};
client.addEventListener("remote-track", (event) => {
  const { peer, slot, track } = /** @type {CustomEvent} */ (event).detail;
  const key = `${peer} ${slot}`;
  log.push({ at_ms: Date.now(), type: "remote-track", detail: { peer, slot, track: track?.id ?? null } });
  const element = elements.get(key) ?? document.createElement(slot === "audio" ? "audio" : "video");
  if (!elements.has(key)) {
    element.autoplay = true;
    if (element instanceof HTMLVideoElement) {
      element.muted = true;
      let last_ms = performance.now();
      /** @param {number} [_now] @param {VideoFrameCallbackMetadata} [frame] */
      const count = (_now, frame) => {
        const now_ms = performance.now();
        const sizes = heights[key] ??= [];
        const paused_ms = now_ms - last_ms;
        if (sizes.length && paused_ms > GONE_MS) sizes.push({ at_ms: Date.now() - paused_ms + GONE_MS, height: 0 });
        if (frame && frame.height !== sizes.at(-1)?.height) sizes.push({ at_ms: Date.now(), height: frame.height });
        played[key] = (played[key] ?? 0) + 1;
        gaps[key] = Math.max(gaps[key] ?? 0, now_ms - last_ms);
        last_ms = now_ms;
        element.requestVideoFrameCallback(count);
      };
      element.requestVideoFrameCallback(count);
    }
    document.getElementById("people")?.append(element);
    elements.set(key, element);
  }
  element.srcObject = track ? new MediaStream([track]) : null;
});

/** The connection in use; older ones are closed. */
function connection() {
  return connections.findLast(({ connectionState }) => connectionState !== "closed");
}

/** Samples heard and frames decoded of each person now, by "peer slot". */
async function received() {
  /** @type {Record<string, number>} */
  const totals = {};
  const stats = [...((await connection()?.getStats())?.values() ?? [])].filter(({ type }) => type === "inbound-rtp");
  for (const [key, element] of elements) {
    const track = /** @type {MediaStream|null} */ (element.srcObject)?.getTracks()[0];
    const stat = stats.find(({ trackIdentifier }) => trackIdentifier === track?.id);
    if (!stat || !stat.packetsReceived) continue;
    totals[key] = stat.kind === "video" ? stat.framesDecoded : Math.round(1000 * stat.totalAudioEnergy * 1e6) + stat.totalSamplesReceived - stat.concealedSamples;
  }
  return totals;
}

/** What the camera is sent in. @returns {Promise<Record<string, {frames: number, width: number, height: number, bytes: number}>>} by rid */
async function layers() {
  /** @type {Record<string, {frames: number, width: number, height: number, bytes: number}>} */
  const sent = {};
  for (const stat of (await connection()?.getStats())?.values() ?? []) {
    if (stat.type !== "outbound-rtp" || stat.kind !== "video" || stat.mid !== "1") continue;
    sent[stat.rid ?? ""] = { frames: stat.framesSent ?? 0, width: stat.frameWidth ?? 0, height: stat.frameHeight ?? 0, bytes: stat.bytesSent };
  }
  return sent;
}

/** Pictures that were decoded, and that the worker let through to the decoder. */
async function shown() {
  let decoded = 0;
  for (const stat of (await connection()?.getStats())?.values() ?? []) if (stat.type === "inbound-rtp") decoded += stat.framesDecoded ?? 0;
  const { "receive:video": passed = 0 } = await client.count_frames();
  return { decoded, passed };
}

/** What nonce_spy.js says. @param {"count"|"repeat"} doing @returns {Promise<{sealed: number, repeated: number, keys: number}>} */
function nonces(doing = "count") {
  const channel = new BroadcastChannel("nonces");
  return new Promise((resolve) => {
    channel.onmessage = ({ data }) => {
      channel.close();
      resolve(data);
    };
    channel.postMessage({ do: doing });
  });
}

/** @param {string} size "320x180", "audio" for no picture, "card", or "clock" */
async function capture(size) {
  if (size === "card") return make_card();
  if (size === "clock") return make_clock();
  const captured = await open_devices(size);
  if (voice) {
    for (const track of captured.getAudioTracks()) captured.removeTrack(track);
    captured.addTrack(voice.track);
  }
  return captured;
}

/** @param {string} size */
async function open_devices(size) {
  if (size === "audio") return navigator.mediaDevices.getUserMedia({ audio: true });
  const [width, height] = size.split("x").map(Number);
  const fps = Number(address.get("fps") ?? 15);
  if (!address.get("crowd")) {
    return navigator.mediaDevices.getUserMedia({ audio: true, video: { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } } });
  }
  const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
  return new MediaStream([...sound.getTracks(), ...make_crowd(width, height, fps).getTracks()]);
}

/** Another camera instead: the made-up one keeps the size that it was opened with. @param {string} size */
async function recapture(size) {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = await capture(size);
  client.start(stream);
}

const samples = address.get("sample") ? sample_every(Number(address.get("sample")), () => connection(), elements) : [];
/** Who speaks when the test says so, in the voice of a file. */
const voice = address.get("voice") ? await Voice.load(address.get("voice") ?? "") : null;
Object.assign(globalThis, {
  engine: { client, log, connections, connection, elements, played, gaps, heights, received, layers, nonces, recapture, samples, secrets, shown, voice },
});
const media = address.get("media") ?? "320x180";
/** @type {MediaStream|null} */
let stream = media === "none" ? null : await capture(media);
client.start(stream);
