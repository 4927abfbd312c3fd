/**
 * The path from browser to browser: signaling, connection, channels, heartbeat, recovery and statistics of one peer.
 *
 * @import { ChatMessage } from "../lib/chat_log.js"
 * @import { JoinDescriptor, Message, Peer, SignalBody } from "../lib/protocol.js"
 * @import { Rates } from "../lib/stats_math.js"
 * @import { MediaState } from "../lib/media_state.js"
 * @import { FrameKeys } from "./frame_keys.js"
 * @import { FrameTransforms } from "./frame_transforms.js"
 * @import { PathState } from "./media_path.js"
 * @import { Slot } from "./peer_connection.js"
 */

import { Adaptation, NO_LIMITS, WARM_LIMITS } from "../lib/adaptation.js";
import { Heartbeat } from "../lib/heartbeat.js";
import { Interruptions } from "../lib/interruptions.js";
import { MediaProof } from "../lib/proof.js";
import { stream_id } from "../lib/protocol.js";
import { judge, SteadyQuality } from "../lib/quality.js";
import { QualityWindow } from "../lib/quality_window.js";
import { Recovery } from "../lib/recovery.js";
import { route_of } from "../lib/stats_math.js";
import { TrackGate } from "../lib/track_gate.js";
import { PeerChannels } from "./data_channel.js";
import { FingerprintCheck } from "./fingerprint_check.js";
import { NOTHING_COUNTED } from "./frame_transforms.js";
import { MediaPath } from "./media_path.js";
import { MutedSinks } from "./muted_sinks.js";
import { PeerConnection, SLOTS } from "./peer_connection.js";
import { PeerSignaling } from "./peer_signaling.js";
import { StatsMonitor } from "./stats_monitor.js";

const STATS_EVERY_MS = 1000;
const MAX_UNPROVED = 64;
/** A gap of several beats: frames of that time are lost for good, and what follows them cannot be shown. */
const INTERRUPTED_MS = 1500;

/**
 * @typedef {object} P2PPathOptions
 * @property {string} page
 * @property {string} peer_page
 * @property {Peer} peer
 * @property {JoinDescriptor} descriptor
 * @property {string} me
 * @property {string} room
 * @property {FrameTransforms} transforms
 * @property {FrameKeys} keys
 * @property {Partial<Record<Slot, MediaStreamTrack|null>>} tracks
 * @property {MediaState} media
 * @property {(message: Message) => boolean} send
 * @property {number} generation how many connections these two pages had before
 * @property {boolean} warm send little until `send_in_full`
 * @property {(if_older: boolean) => Promise<RTCIceServer[]|null>} ice_servers if_older: null when those of the last call are still good
 */

export class P2PPath extends MediaPath {
  #options;
  #name;
  #signaling;
  /** @type {PeerConnection|null} */
  #connection = null;
  /** @type {PeerChannels|null} */
  #channels = null;
  /** @type {StatsMonitor|null} */
  #stats = null;
  #heartbeat;
  #recovery = new Recovery();
  #proof = new MediaProof();
  #quality = new SteadyQuality();
  #window = new QualityWindow();
  #interruptions = new Interruptions();
  #adaptation;
  #warm;
  #sinks = new MutedSinks();
  /** @type {TrackGate|null} */
  #gate = null;
  /** @type {(() => void)|null} */
  #all_announced = null;
  /** @type {SignalBody[]} */
  #early = [];
  /** @type {MediaState} */
  #media;
  /** @type {MediaState|null} */
  #peer_media = null;
  #tracks;
  #reachable = true;
  #last_beat_ms = -Infinity;
  #last_stats_ms = -Infinity;
  /** @type {((proved: boolean) => void)[]} */
  #verifying = [];
  #fingerprints;
  #stop_listening;
  /** What came over channels whose other end is not proved yet. @type {{type: string, detail: unknown}[]} */
  #unproved = [];

  /** @param {P2PPathOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#media = options.media;
    this.#tracks = { ...options.tracks };
    const { page, peer_page, peer, descriptor, keys, room, me, generation } = options;
    this.#warm = options.warm;
    this.#adaptation = new Adaptation(/** @type {import("../lib/adaptation.js").Profile} */ (descriptor.quality?.profile ?? "general"));
    this.#name = stream_id(page, peer_page, generation);
    const name_in = stream_id(peer_page, page, generation);
    this.#fingerprints = new FingerprintCheck({
      keys, room, me, peer: peer.id, name_out: this.#name, name_in,
    });
    this.#stop_listening = keys.on_fingerprint(peer.id, (body) => this.#fingerprints.receive(body));
    for (const slot of SLOTS) options.transforms.expect(this.#name, `receive:${slot}`, peer.id);
    this.#heartbeat = new Heartbeat({ lost_after_ms: descriptor.lost_after_ms });
    this.#signaling = new PeerSignaling({
      peer_id: peer.id,
      stream_out: this.#name,
      stream_in: name_in,
      send: options.send,
      deliver: (body) => this.#deliver(body),
    });
  }

  get #closed() {
    return this.report.state === "closed";
  }

  async prepare() {
    this.#change("connecting");
    const ice_servers = (await this.#options.ice_servers(false)) ?? [];
    if (this.#closed) return;
    const { peer, descriptor, transforms } = this.#options;
    const connection = new PeerConnection({
      polite: peer.polite,
      ice_servers,
      ice_transport_policy: descriptor.ice_transport_policy,
      codecs: descriptor.codecs,
      name: this.#name,
      transforms,
      tracks: this.#tracks,
      send: (body) => this.#signaling.push(body, performance.now()),
      refresh_ice_servers: () => this.#options.ice_servers(true),
    });
    connection.addEventListener("trouble", (event) => this.emit("trouble", /** @type {CustomEvent} */ (event).detail));
    connection.addEventListener("ice-state", () => this.tick(performance.now()));
    this.#connection = connection;
    this.#stats = new StatsMonitor(connection);
    this.#channels = this.#listen(new PeerChannels(connection));
    if (this.#warm) {
      this.#sinks.play(connection.remote_track("audio"));
      this.#limit_picture();
    }
    for (const body of this.#early.splice(0)) connection.receive(body);
  }

  /** @param {number} timeout_ms */
  verify(timeout_ms) {
    if (this.#proof.complete) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        if (this.report.state === "connecting") this.#change("failed");
        resolve(false);
      }, timeout_ms);
      this.#verifying.push((proved) => {
        clearTimeout(timer);
        resolve(proved);
      });
    });
  }

  /** @param {MediaPath|null} previous */
  async swap(previous) {
    const gated = previous?.report.state === "connected" && this.#connection ? this.#expected_slots : [];
    for (const slot of SLOTS) if (!gated.includes(slot)) this.#announce(slot);
    if (gated.length > 0) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        this.#all_announced = resolve;
        this.#gate = new TrackGate(gated.map((slot) => `in:${slot}`), performance.now());
      });
    }
    this.#sinks.stop();
  }

  send_in_full() {
    if (!this.#warm) return;
    this.#warm = false;
    this.#limit_picture();
  }

  send_sound_first() {
    if (!this.#adaptation.give_up_picture(performance.now())) return;
    this.#limit_picture();
    this.emit("remedy", this.remedy);
  }

  measured() {
    return this.report.state === "connected" ? this.#window.measured(this.#options.descriptor.quality?.limits) : null;
  }

  get remedy() {
    return this.#warm ? "" : this.#adaptation.step.remedy;
  }

  /** @param {string} engine */
  tell_moved(engine) {
    this.#channels?.send_moved(engine);
  }

  close() {
    if (this.#closed) return;
    super.close();
    this.#stop_listening();
    this.#sinks.stop();
    this.#all_announced?.();
    this.#connection?.close();
    this.#options.transforms.forget(this.#name);
    for (const settle of this.#verifying.splice(0)) settle(false);
  }

  /** @param {Slot} slot @param {MediaStreamTrack|null} track */
  async set_track(slot, track) {
    this.#tracks[slot] = track;
    await this.#connection?.set_track(slot, track);
  }

  /** @param {MediaState} state */
  set_media(state) {
    this.#media = state;
    this.#channels?.send_media(state);
  }

  /** @param {ChatMessage} message */
  send_chat(message) {
    return this.#peer_is_proved && (this.#channels?.send_chat(message) ?? false);
  }

  /** SCTP messages beyond 16 KiB are not safe between browsers; base64 and its envelope take a third more. */
  get still_part_bytes() {
    return 11_000;
  }

  /** @param {string} _peer @param {Record<string, unknown>} still */
  async send_still(_peer, still) {
    return this.#peer_is_proved && ((await this.#channels?.send_still(still)) ?? false);
  }

  /** @param {ChatMessage[]} messages */
  send_history(messages) {
    this.#channels?.send_history(messages);
  }

  /** @param {Message} message */
  receive_signal(message) {
    if (!this.#closed) this.#signaling.receive(message);
  }

  /** @param {boolean} socket_up @param {boolean} peer_present */
  set_reachable(socket_up, peer_present) {
    const reachable = socket_up && peer_present;
    if (reachable && !this.#reachable) {
      this.#recovery.hurry();
      this.#signaling.resume(performance.now());
    }
    this.#reachable = reachable;
  }

  get connection_name() {
    return this.#name;
  }

  async count() {
    return this.#connection ? this.#options.transforms.count(this.#name, this.#connection) : NOTHING_COUNTED;
  }

  /** Nobody sits in the middle of the channels, or it was accepted that nobody can know. */
  get #peer_is_proved() {
    return this.#fingerprints.state === "good" || !this.#options.keys.seals;
  }

  /** @param {number} now_ms */
  tick(now_ms) {
    if (this.#closed || !this.#connection) return;
    if (this.#reachable) this.#signaling.flush(now_ms);
    // A quarter of the interval early is nearer to the wanted pace than a whole tick late.
    if (now_ms - this.#last_beat_ms >= 0.75 * this.#options.descriptor.heartbeat_ms) {
      this.#last_beat_ms = now_ms;
      this.#channels?.beat();
    }
    void this.#prove_peer(now_ms);
    this.#watch_pulse(now_ms);
    const situation = { pulse: this.#heartbeat.pulse(now_ms), ice_state: this.#connection.ice_state, reachable: this.#reachable };
    if (this.#recovery.tick(situation, now_ms)) this.#connection.restart_ice();
    if (!this.#proof.complete || this.#gate || now_ms - this.#last_stats_ms >= STATS_EVERY_MS) {
      this.#last_stats_ms = now_ms;
      this.#measure(now_ms);
    }
  }

  /** @param {number} now_ms */
  async #prove_peer(now_ms) {
    if (!this.#options.keys.seals) return;
    const before = this.#fingerprints.state;
    const state = await this.#fingerprints.tick(now_ms, this.#connection?.local_sdp, this.#connection?.remote_sdp);
    if (state === "good" && before !== "good" && !this.#closed) this.#hand_over();
  }

  /** What waited for the proof of the other end. */
  #hand_over() {
    if (this.#channels?.is_open) this.emit("open", null);
    for (const { type, detail } of this.#unproved.splice(0)) this.emit(type, detail);
  }

  /** @param {number} now_ms */
  #watch_pulse(now_ms) {
    const pulse = this.#heartbeat.change(now_ms);
    if (!pulse) return;
    this.emit("pulse", { state: pulse, silence_ms: this.#heartbeat.silence_ms(now_ms) });
    if (pulse === "lost" && this.report.state === "connected") this.#change("lost");
    if (pulse === "alive" && this.#interruptions.mended(now_ms)) this.#window.forget();
    if (pulse === "alive" && this.report.state === "lost") this.#change("connected");
  }

  /** @param {number} now_ms */
  async #measure(now_ms) {
    const rates = await this.#stats?.measure(now_ms);
    if (!rates || this.#closed) return;
    if (this.#proof.observe(rates, this.#peer_media?.sends ?? null)) this.#channels?.send_verified();
    this.#note_pair(rates);
    this.#settle_proof();
    this.#announce_what_plays(rates, now_ms);
    // Readings of less than a second are for the proof alone.
    const reading = this.#interruptions.reading(rates, now_ms);
    if (this.report.state !== "connected" || rates.interval_ms < STATS_EVERY_MS / 2 || !reading) return;
    const expected = { peer_camera: this.#peer_media?.camera === true };
    this.#window.take(reading, { ...expected, limited: this.#warm || this.remedy !== "" }, now_ms);
    if (!this.#warm && this.#adaptation.take(reading, now_ms)) {
      this.#limit_picture();
      this.emit("remedy", this.remedy);
    }
    const verdict = judge(reading, expected, this.#options.descriptor.quality?.limits);
    this.emit("quality", { ...this.#quality.settle(verdict, now_ms), rates });
  }

  /** Slots that the peer sends something in now. @returns {Slot[]} */
  get #expected_slots() {
    const media = this.#peer_media;
    return SLOTS.filter((slot) => (slot === "screen" ? media?.screen : (media?.sends.includes(slot) ?? true)));
  }

  /** @param {Slot} slot */
  #announce(slot) {
    this.emit("remote-track", { slot, track: this.#connection?.remote_track(slot) ?? null });
  }

  /** @param {Rates} rates @param {number} now_ms */
  #announce_what_plays({ streams }, now_ms) {
    for (const name of this.#gate?.take(streams, now_ms) ?? []) this.#announce(/** @type {Slot} */ (name.slice(3)));
    if (!this.#gate?.open) return;
    this.#gate = null;
    this.#all_announced?.();
  }

  #limit_picture() {
    const picture = this.#warm ? WARM_LIMITS : this.#adaptation.step.picture;
    void this.#connection?.limit("video", picture);
    void this.#connection?.limit("screen", this.#warm ? { ...NO_LIMITS, active: false } : NO_LIMITS);
  }

  /** @param {Rates} rates */
  #note_pair({ pair }) {
    if (!pair) return;
    const { local, remote, protocol, relay = "", rtt_ms } = pair;
    this.note({ route: route_of(pair), local, remote, protocol, relay, rtt_ms });
  }

  #settle_proof() {
    const { state } = this.report;
    if (!this.#proof.complete || (state !== "connecting" && state !== "failed")) return;
    this.#change("connected");
    for (const settle of this.#verifying.splice(0)) settle(true);
  }

  /** @param {PeerChannels} channels */
  #listen(channels) {
    channels.addEventListener("open", () => {
      // The first sign of life: a peer that falls silent before its first beat must be noticed as well.
      this.#heartbeat.hear(performance.now());
      channels.send_media(this.#media);
      if (this.#peer_is_proved) this.emit("open", null);
    });
    channels.addEventListener("beat", () => {
      const now_ms = performance.now();
      if (this.#heartbeat.silence_ms(now_ms) >= INTERRUPTED_MS) this.#options.transforms.ask_for_key_frames(this.#name);
      this.#heartbeat.hear(now_ms);
      this.#watch_pulse(now_ms);
    });
    channels.addEventListener("media", (event) => {
      this.#peer_media = /** @type {CustomEvent<MediaState>} */ (event).detail;
      this.emit("peer-media", this.#peer_media);
    });
    channels.addEventListener("moved", (event) => this.emit("moved", /** @type {CustomEvent} */ (event).detail));
    channels.addEventListener("verified", () => {
      this.#proof.hear_from_peer();
      this.#settle_proof();
    });
    for (const type of ["chat", "history", "still"]) {
      channels.addEventListener(type, (event) => {
        const { detail } = /** @type {CustomEvent} */ (event);
        if (this.#peer_is_proved) this.emit(type, detail);
        else this.#unproved = [...this.#unproved, { type, detail }].slice(-MAX_UNPROVED);
      });
    }
    return channels;
  }

  /** @param {SignalBody} body */
  #deliver(body) {
    if (this.#connection) this.#connection.receive(body);
    else this.#early.push(body);
  }

  /** @param {PathState} state */
  #change(state) {
    this.note({ state });
  }
}
