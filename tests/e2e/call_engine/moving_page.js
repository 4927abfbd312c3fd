/** A call in the product's own pictures and sounds, which writes down every frame that is seen and every sample that is heard. */

import { CallClient } from "/js/call/call_client.js";
import { StatsMonitor } from "/js/call/stats_monitor.js";
import { quality_report } from "/js/lib/quality_report.js";
import { QualityWindow } from "/js/lib/quality_window.js";
import { Picture } from "/js/pages/call_picture.js";
import { Sound } from "/js/pages/call_sound.js";

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

const client = new CallClient({
  ws_url: `${address.get("ws")}?${new URLSearchParams({ me: address.get("me") ?? "" })}`,
  worker_url: "/js/workers/frame_worker.js",
  page_id: crypto.randomUUID(),
});

/** @type {{at_ms: number, type: string, detail: any}[]} */
const log = [];
for (const type of ["path", "heartbeat", "signaling", "closed", "trouble", "encryption", "key-changed", "moved", "remedy", "refused"]) {
  client.addEventListener(type, (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    log.push({ at_ms: performance.now(), type, detail: type === "trouble" ? String(detail?.stack ?? detail) : structuredClone(detail) });
  });
}

/** @type {Map<string, {picture: Picture, sound: Sound, frames_ms: number[], black: number}>} by person */
const people = new Map();

/** @param {string} peer */
function person(peer) {
  const known = people.get(peer);
  if (known) return known;
  const tile = Object.assign(document.createElement("div"), { className: "tile" });
  const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true });
  tile.append(video);
  document.getElementById("people")?.append(tile);
  const made = { picture: new Picture(video), sound: new Sound(tile), frames_ms: /** @type {number[]} */ ([]), black: 0 };
  made.picture.addEventListener("frame", () => made.frames_ms.push(performance.now()));
  for (const part of [made.picture, made.sound]) {
    part.addEventListener("shown", (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      log.push({ at_ms: performance.now(), type: "shown", detail: detail.kind });
      client.note_shown(detail);
    });
  }
  people.set(peer, made);
  return made;
}

client.addEventListener("remote-track", (event) => {
  const { peer, slot, track } = /** @type {CustomEvent} */ (event).detail;
  log.push({ at_ms: performance.now(), type: "remote-track", detail: { peer, slot, track: track?.id ?? null } });
  if (slot === "video") person(peer).picture.set_track(track);
  if (slot === "audio") person(peer).sound.set_track(track);
});

/** The longest time since `since_ms` in which no new frame was seen, and the median. @param {number} since_ms */
function gaps(since_ms) {
  return [...people.values()].map(({ frames_ms }) => {
    // A picture that stands still at either end stands still.
    const seen = [since_ms, ...frames_ms.filter((at_ms) => at_ms >= since_ms), performance.now()];
    const pauses = seen.slice(1).map((at_ms, index) => at_ms - /** @type {number} */ (seen[index]));
    const ordered = pauses.toSorted((a, b) => a - b);
    return { longest_ms: Math.max(0, ...pauses), median_ms: ordered[Math.floor(ordered.length / 2)] ?? 0, frames: seen.length - 2 };
  });
}

/** A tone that never pauses and a picture that always moves. */
function source() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let tick = 0;
  setInterval(() => {
    brush.fillStyle = `hsl(${(tick += 3) % 360} 60% 50%)`;
    brush.fillRect(0, 0, 640, 360);
    brush.fillStyle = "#fff";
    brush.fillRect((5 * tick) % 640, 100, 40, 40);
  }, 1000 / Number(address.get("fps") ?? 15));
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio, { frequency: 440 });
  const out = new MediaStreamAudioDestinationNode(audio);
  tone.connect(new GainNode(audio, { gain: 0.2 })).connect(out);
  tone.start();
  return new MediaStream([...canvas.captureStream(Number(address.get("fps") ?? 15)).getTracks(), ...out.stream.getTracks()]);
}

/**
 * What comes out of the loudspeaker of this page, all of it mixed, as the level of every 5 ms.
 *
 * @returns {Promise<{levels: {at_ms: number, rms: number}[]}>}
 */
async function listen() {
  const captured = await navigator.mediaDevices.getDisplayMedia(/** @type {any} */ ({ video: true, audio: { suppressLocalAudioPlayback: false, echoCancellation: false, noiseSuppression: false, autoGainControl: false }, preferCurrentTab: true, selfBrowserSurface: "include" }));
  for (const track of captured.getVideoTracks()) {
    track.stop();
    captured.removeTrack(track);
  }
  const context = new AudioContext();
  await context.audioWorklet.addModule("level_worklet.js");
  const meter = new AudioWorkletNode(context, "level");
  /** @type {{at_ms: number, rms: number}[]} */
  const levels = [];
  meter.port.onmessage = ({ data }) => levels.push(...data);
  context.createMediaStreamSource(captured).connect(meter).connect(new GainNode(context, { gain: 0 })).connect(context.destination);
  return { levels };
}

let monitor_timer = 0;
/** Readings that `monitor` made. */
let readings = 0;

/** Measures as a path does, so many times a second more: what one reading costs shows in the CPU. @param {number} per_s */
function monitor(per_s) {
  clearInterval(monitor_timer);
  const connection = connections.findLast(({ connectionState }) => connectionState !== "closed");
  if (per_s === 0 || !connection) return;
  const stats = new StatsMonitor({ get_stats: () => connection.getStats(), slots_by_mid: { 0: "audio", 1: "video", 2: "screen" } });
  const judged = new QualityWindow();
  monitor_timer = window.setInterval(async () => {
    const rates = await stats.measure(performance.now());
    if (!rates) return;
    readings += 1;
    judged.take(rates, { peer_camera: true }, performance.now());
    const measured = judged.measured();
    if (measured) JSON.stringify(quality_report(measured, { engine: "p2p", warm: false, remedy: "" }));
  }, 1000 / per_s);
}

Object.assign(globalThis, { engine: { client, log, connections, people, gaps, listen, monitor, readings: () => readings, source } });
client.start(source());
