/**
 * The path through the clinic's media server: one leg for everybody in the room. It stands while one is alone, and
 * people who come and go change only what is received in its slots.
 *
 * @import { ChatMessage } from "../lib/chat_log.js"
 * @import { JoinDescriptor, Message } from "../lib/protocol.js"
 * @import { Rates } from "../lib/stats_math.js"
 * @import { Slot } from "../lib/sfu_lines.js"
 * @import { Want } from "../lib/view_wants.js"
 * @import { MediaState } from "../lib/media_state.js"
 * @import { FrameTransforms } from "./frame_transforms.js"
 * @import { Person } from "./media_path.js"
 */

import { Interruptions } from "../lib/interruptions.js";
import { accepted, decoded, own_rates, rates_as_between_two, rates_of_peer, worse } from "../lib/leg_rates.js";
import { is_proved } from "../lib/proof.js";
import { sfu_view } from "../lib/protocol.js";
import { judge, SteadyQuality } from "../lib/quality.js";
import { QualityWindow } from "../lib/quality_window.js";
import { MAX_PART_BYTES } from "../lib/still_parts.js";
import { TrackGate } from "../lib/track_gate.js";
import { tidy_wants, untold_wants } from "../lib/view_wants.js";
import { MediaPath } from "./media_path.js";
import { MutedSinks } from "./muted_sinks.js";
import { SfuConversation } from "./sfu_conversation.js";
import { SfuLeg } from "./sfu_leg.js";

const VIEW_SETTLES_MS = 150;
/** Eight parts of a picture a second; the server takes nine (rooms/media_side.py). */
const PART_EVERY_MS = 125;

/**
 * @typedef {object} SfuPathOptions
 * @property {string} me
 * @property {JoinDescriptor} descriptor
 * @property {FrameTransforms} transforms
 * @property {Partial<Record<Slot, MediaStreamTrack|null>>} tracks
 * @property {MediaState} media
 * @property {Want[]|null} view null while the page has not said what it shows
 * @property {(message: Message) => boolean} send false when the socket is down
 * @property {() => boolean} seals whether what is said leaves sealed
 * @property {(to: string|null, body: import("../lib/protocol.js").Saying) => boolean} say false: it does not leave now
 * @property {(type: string, payload: Record<string, unknown>) => Promise<Message>} request
 * @property {(if_older: boolean) => Promise<RTCIceServer[]|null>} ice_servers
 * @property {boolean} [warm] send little until `send_in_full`
 */

export class SfuPath extends MediaPath {
  #options;
  #leg;
  #conversation;
  #tracks;
  /** Tracks are shown from the swap on: until then another path may be the one that is seen. */
  #shown = false;
  #proved = false;
  #decoded = false;
  #reachable = true;
  /** @type {Map<string, boolean>} people the server hears or does not */
  #presence = new Map();
  #own_quality = new SteadyQuality();
  /** @type {Map<string, SteadyQuality>} */
  #peer_quality = new Map();
  /** @type {Record<string, any>} what the server last told about each person's connection */
  #server_quality = {};
  /** @type {{layers: {mid: string, height: number}[], target_bps: number|null}} */
  #downlink = { layers: [], target_bps: null };
  #view;
  #sent_view = "";
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #view_timer;
  /** @type {((proved: boolean) => void)[]} */
  #verifying = [];
  #window = new QualityWindow();
  #interruptions = new Interruptions();
  #sinks = new MutedSinks();
  /** @type {TrackGate|null} */
  #gate = null;
  /** What the gate holds back, by name of the stream. @type {Map<string, {peer: string, slot: Slot}>} */
  #held_back = new Map();
  /** @type {(() => void)|null} */
  #all_announced = null;

  /** @param {SfuPathOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#tracks = { ...options.tracks };
    this.#view = options.view;
    this.#leg = this.#listen_to_leg(new SfuLeg({ ...options, tracks: this.#tracks }));
    this.#conversation = this.#listen_to_people(
      new SfuConversation({ me: options.me, media: options.media, say: options.say }),
    );
  }

  get #closed() {
    return this.report.state === "closed";
  }

  async prepare() {
    this.note({ state: "connecting" });
    await this.#leg.open();
  }

  /** @param {number} timeout_ms */
  verify(timeout_ms) {
    if (this.#proved) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        if (this.report.state === "connecting") this.note({ state: "failed" });
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
    this.#shown = true;
    const gated = previous?.report.state === "connected" ? this.#leg.remote_tracks : [];
    for (const { peer, slot } of gated) {
      const mid = this.#leg.slots.mids_of(peer)[slot];
      if (mid) this.#held_back.set(`in:${mid}:${slot === "audio" ? "audio" : "video"}`, { peer, slot });
    }
    if (this.#held_back.size === 0) {
      this.#show(this.#leg.remote_tracks);
    } else {
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        this.#all_announced = resolve;
        this.#gate = new TrackGate([...this.#held_back.keys()], performance.now());
      });
    }
    this.#sinks.stop();
  }

  send_in_full() {
    this.#leg.send_in_full();
  }

  /** @param {string} peer */
  reaches(peer) {
    return this.#leg.slots.peers.has(peer);
  }

  measured() {
    return this.report.state === "connected" ? this.#window.measured(this.#options.descriptor.quality?.limits) : null;
  }

  close() {
    if (this.#closed) return;
    super.close();
    clearTimeout(this.#view_timer);
    this.#sinks.stop();
    this.#all_announced?.();
    this.#leg.close();
    for (const settle of this.#verifying.splice(0)) settle(false);
  }

  /** @param {Slot} slot @param {MediaStreamTrack|null} track */
  async set_track(slot, track) {
    this.#tracks[slot] = track;
    await this.#leg.set_track(slot, track);
  }

  /** @param {MediaState} media */
  set_media(media) {
    this.#conversation.set_media(media);
  }

  /** @param {ChatMessage} message */
  send_chat(message) {
    return this.#conversation.send_chat(message);
  }

  get still_part_bytes() {
    return this.#options.seals() ? MAX_PART_BYTES : 0;
  }

  /** @param {string} peer @param {Record<string, unknown>} still */
  async send_still(peer, still) {
    // The server passes on what it cannot read, or nothing.
    if (!this.#options.seals() || !this.#options.say(peer, { kind: "still", still })) return false;
    if (still.step === "part") await new Promise((done) => { setTimeout(done, PART_EVERY_MS); });
    return !this.#closed;
  }

  /** @param {ChatMessage[]} messages @param {string} [peer] */
  send_history(messages, peer) {
    if (peer) this.#conversation.send_history(messages, peer);
  }

  /** @param {Person[]} people */
  set_people(people) {
    this.#conversation.set_people(people);
    const here = new Set(people.map(({ id }) => id));
    for (const known of [this.#presence, this.#peer_quality]) {
      for (const id of known.keys()) if (!here.has(id)) known.delete(id);
    }
  }

  /** @param {Want[]} view */
  set_view(view) {
    this.#view = view;
    this.#plan_view();
  }

  /** @param {boolean} socket_up */
  set_reachable(socket_up) {
    const back = socket_up && !this.#reachable;
    this.#reachable = socket_up;
    this.#leg.set_reachable(socket_up);
    if (!back) return;
    this.#conversation.resume();
    this.#forget_losses();
    this.#sent_view = "";
    this.#plan_view();
  }

  /** @param {Message} message */
  receive_sfu(message) {
    if (this.#closed) return;
    switch (message.type) {
      case "said":
        this.#conversation.receive(message.from, message.body);
        break;
      case "sfu_speakers":
        this.emit("speakers", { order: message.order, speaking: message.speaking });
        break;
      case "sfu_presence":
        this.#take_presence(message);
        break;
      case "sfu_quality":
        this.#server_quality = message.participants ?? {};
        this.#downlink = { layers: message.layers ?? [], target_bps: message.target_bps ?? null };
        break;
      default:
        this.#leg.receive(message);
    }
  }

  get connection_name() {
    return this.#leg.connection_name;
  }

  count() {
    return this.#leg.count();
  }

  /** Something this person said could not be read here: let them say it again. @param {string} peer */
  ask_again(peer) {
    this.#conversation.ask(peer);
  }

  /** @param {number} now_ms */
  tick(now_ms) {
    if (!this.#closed) this.#leg.tick(now_ms, !this.#proved || this.#gate !== null);
  }

  /** @param {SfuLeg} leg */
  #listen_to_leg(leg) {
    /** @param {string} type @param {(detail: any) => void} handle */
    const on = (type, handle) => leg.addEventListener(type, (event) => {
      if (!this.#closed) handle(/** @type {CustomEvent} */ (event).detail);
    });
    on("tracks", (changes) => {
      this.#show(changes);
      if (!this.#view) this.#plan_view();
    });
    on("pulse", (pulse) => {
      if (pulse === "lost" && this.report.state === "connected") this.note({ state: "lost" });
      if (pulse === "alive" && this.#interruptions.mended(performance.now())) this.#window.forget();
      if (pulse === "alive" && this.report.state === "lost" && this.#proved) this.note({ state: "connected" });
    });
    on("renewed", () => {
      this.#proved = false;
      this.#decoded = false;
    });
    on("answered", () => {
      this.#sent_view = "";
      this.#plan_view();
    });
    on("rates", (rates) => this.#take_rates(rates));
    for (const type of ["refused", "trouble"]) on(type, (detail) => this.emit(type, detail));
    return leg;
  }

  /** @param {SfuConversation} conversation */
  #listen_to_people(conversation) {
    for (const type of ["peer-media", "chat", "history", "still", "open"]) {
      conversation.addEventListener(type, (event) => this.emit(type, /** @type {CustomEvent} */ (event).detail));
    }
    return conversation;
  }

  /** @param {{peer: string, slot: Slot, track: MediaStreamTrack|null}[]} tracks */
  #show(tracks) {
    if (!this.#shown) for (const { track } of tracks) if (track) this.#sinks.play(track);
    if (this.#shown) for (const detail of tracks) this.emit("remote-track", detail);
  }

  /** @param {Message} message */
  #take_presence({ participant, state, silence_ms }) {
    if (state !== "alive" && state !== "lost") return;
    if (participant === this.#options.me) {
      this.#leg.note_server_hears(state === "alive");
      return;
    }
    this.#presence.set(participant, state === "alive");
    this.emit("pulse", { peer: participant, state, silence_ms });
  }

  /** The socket was away: who is lost now is told again, who came back meanwhile is not. */
  #forget_losses() {
    this.#leg.note_server_hears(true);
    for (const [peer, heard] of this.#presence) if (!heard) this.#take_presence({ type: "", participant: peer, state: "alive", silence_ms: 0 });
  }

  /** @param {Rates} rates */
  #take_rates(rates) {
    this.#decoded ||= decoded(rates);
    const { pair } = rates;
    if (pair) this.note({ route: "server", local: pair.local, remote: pair.remote, protocol: pair.protocol, relay: pair.relay ?? "", rtt_ms: pair.rtt_ms });
    this.#settle_proof(rates);
    this.#announce_what_plays(rates, performance.now());
    const reading = this.#interruptions.reading(rates, performance.now());
    if (this.report.state === "connected" && rates.interval_ms >= 500 && reading) this.#judge(reading, performance.now());
  }

  /** @param {Rates} rates @param {number} now_ms */
  #announce_what_plays({ streams }, now_ms) {
    const ready = (this.#gate?.take(streams, now_ms) ?? []).map((name) => this.#held_back.get(name));
    // Whoever came or went meanwhile has other lines now.
    this.#show(this.#leg.remote_tracks.filter(({ peer, slot }) => ready.some((held) => held?.peer === peer && held.slot === slot)));
    if (!this.#gate?.open) return;
    this.#gate = null;
    this.#held_back.clear();
    this.#all_announced?.();
  }

  /** @param {Rates} rates */
  #settle_proof(rates) {
    if (this.#proved) return;
    this.#proved = is_proved({
      connected: this.#leg.connected,
      decoded: this.#decoded,
      expected: [...this.#leg.slots.peers].some((peer) => this.#ought_to_come(peer)),
      sends: Boolean(this.#tracks.audio || this.#tracks.video),
      accepted: accepted(rates),
    });
    if (!this.#proved) return;
    this.note({ state: "connected" });
    for (const settle of this.#verifying.splice(0)) settle(true);
  }

  /** Who is mapped, heard by the server, and sends: to be seen or heard here. @param {string} peer */
  #ought_to_come(peer) {
    const media = this.#conversation.media_of(peer);
    return this.#presence.get(peer) !== false && (media === null || media.mic || media.camera || media.screen);
  }

  /** @param {Rates} rates @param {number} now_ms */
  #judge(rates, now_ms) {
    const own = own_rates(rates, this.#leg.layers);
    const peers = [...this.#leg.slots.peers].map((peer) => ({ mids: this.#leg.slots.mids_of(peer), camera: this.#shows_camera(peer) }));
    this.#window.take(rates_as_between_two(own, rates, peers), { peer_camera: peers.some(({ camera }) => camera) }, now_ms);
    const verdict = worse(judge(own, { peer_camera: false }, this.#options.descriptor.quality?.limits), this.#server_quality[this.#options.me]?.word);
    this.emit("quality", { ...this.#own_quality.settle(verdict, now_ms), rates, ...this.#downlink });
    for (const peer of this.#leg.slots.peers) this.#judge_peer(peer, rates, now_ms);
  }

  /** @param {string} peer */
  #shows_camera(peer) {
    const shows = this.#view?.find(({ participant, source }) => participant === peer && source === "camera")?.height !== 0;
    return shows && this.#conversation.media_of(peer)?.camera === true;
  }

  /** @param {string} peer @param {Rates} rates @param {number} now_ms */
  #judge_peer(peer, rates, now_ms) {
    const mids = this.#leg.slots.mids_of(peer);
    const here = judge(rates_of_peer(rates, mids), { peer_camera: this.#shows_camera(peer) }, this.#options.descriptor.quality?.limits);
    const quality = this.#peer_quality.get(peer) ?? new SteadyQuality();
    this.#peer_quality.set(peer, quality);
    const { rtt_ms = null, loss = null, word } = this.#server_quality[peer] ?? {};
    const height = this.#downlink.layers.find(({ mid }) => mid === mids.video)?.height ?? null;
    this.emit("peer-quality", { peer, ...quality.settle(worse(here, word), now_ms), rtt_ms, loss, height });
  }

  /** A page that is being laid out says its sizes many times. */
  #plan_view() {
    clearTimeout(this.#view_timer);
    this.#view_timer = setTimeout(() => this.#send_view(), VIEW_SETTLES_MS);
  }

  #send_view() {
    if (this.#closed) return;
    const wants = this.#view ? tidy_wants(this.#view) : untold_wants(this.#leg.slots.peers);
    const text = JSON.stringify(wants);
    if (text !== this.#sent_view && this.#options.send(sfu_view(wants))) this.#sent_view = text;
  }
}
