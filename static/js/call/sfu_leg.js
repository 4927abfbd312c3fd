/**
 * This page's leg to the media server: keeps one connection working. Offers, applies answers, notices loss by the
 * server's silence, restarts ICE, and builds a new connection when nothing else helps. What stands above sees tracks
 * by person and never learns which connection they come from.
 *
 * Events (CustomEvents): "tracks" (list of {peer, slot, track}), "pulse" ("alive"|"lost"), "rates" (Rates, once a
 * second), "answered" and "renewed" (null; renewed: another connection), "refused" ({code, message}), "trouble" (error).
 *
 * @import { JoinDescriptor, Message } from "../lib/protocol.js"
 * @import { Slot } from "../lib/sfu_lines.js"
 * @import { SlotChange } from "../lib/slot_map.js"
 * @import { FrameTransforms } from "./frame_transforms.js"
 *
 * @typedef {object} SfuLegOptions
 * @property {JoinDescriptor} descriptor
 * @property {FrameTransforms} transforms
 * @property {Partial<Record<Slot, MediaStreamTrack|null>>} tracks
 * @property {(type: string, payload: Record<string, unknown>) => Promise<Message>} request rejects with RequestError
 * @property {(if_older: boolean) => Promise<RTCIceServer[]|null>} ice_servers
 * @property {boolean} [warm] send little until `send_in_full`
 */

import { Heartbeat } from "../lib/heartbeat.js";
import { flows } from "../lib/leg_rates.js";
import { LegRecovery } from "../lib/leg_recovery.js";
import { PlayoutDelay } from "../lib/playout.js";
import { DEFAULT_LAYERS } from "../lib/simulcast.js";
import { SlotMap } from "../lib/slot_map.js";
import { NOTHING_COUNTED } from "./frame_transforms.js";
import { SfuConnection } from "./sfu_connection.js";
import { StatsMonitor } from "./stats_monitor.js";

const STATS_EVERY_MS = 1000;
/** While media flows the server reports several times a second; without it only checks are answered, every 2.5 s. */
const SILENT_LOST_AFTER_MS = 7000;
const DEFAULT_ROOM_SIZE = 8;

export class SfuLeg extends EventTarget {
  #options;
  #tracks;
  /** @type {SfuConnection|null} */
  #connection = null;
  /** @type {StatsMonitor|null} */
  #stats = null;
  #slots = new SlotMap();
  /** What was told of the connection before, until the new one is mapped. @type {SlotMap|null} */
  #older_slots = null;
  #recovery = new LegRecovery();
  #playout = new PlayoutDelay();
  #heartbeat;
  #received = 0;
  #server_hears = true;
  #reachable = true;
  #closed = false;
  #last_stats_ms = -Infinity;
  #warm;

  /** @param {SfuLegOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#warm = options.warm === true;
    this.#tracks = { ...options.tracks };
    this.#heartbeat = new Heartbeat({ lost_after_ms: options.descriptor.lost_after_ms });
  }

  /** Builds the first connection. Resolves when its offer is under way. */
  async open() {
    await this.#renew();
  }

  close() {
    this.#closed = true;
    this.#connection?.close();
    this.#connection = null;
  }

  get connected() {
    return this.#connection?.connection_state === "connected";
  }

  /** In how many layers the camera is sent. */
  get layers() {
    return this.#connection?.layers ?? 0;
  }

  get slots() {
    return this.#slots;
  }

  /** @returns {{peer: string, slot: Slot, track: MediaStreamTrack|null}[]} everything that is received now */
  get remote_tracks() {
    return this.#tracks_of(this.#slots.entries);
  }

  /** @param {Slot} slot @param {MediaStreamTrack|null} track */
  async set_track(slot, track) {
    this.#tracks[slot] = track;
    await this.#connection?.set_track(slot, track);
  }

  send_in_full() {
    this.#warm = false;
    void this.#connection?.send_in_full();
  }

  /** @param {boolean} reachable our socket is up */
  set_reachable(reachable) {
    if (reachable && !this.#reachable) this.#recovery.hurry();
    this.#reachable = reachable;
  }

  /** @param {boolean} hears what the server says of this person's own presence */
  note_server_hears(hears) {
    this.#server_hears = hears;
  }

  /** @param {Message} message sfu_slots or sfu_closed */
  receive(message) {
    const connection = this.#connection;
    // The server may still talk of a connection that was replaced.
    if (!connection || message.connection !== connection.id) return;
    if (message.type === "sfu_closed") {
      this.#recovery.lose(performance.now());
      return;
    }
    const changes = this.#slots.apply(message.slots);
    for (const [mid, peer] of this.#slots.owners) connection.expect(mid, peer);
    const older = this.#older_slots;
    this.#older_slots = null;
    this.#emit("tracks", this.#tracks_of(older ? this.#slots.changes_from(older) : changes));
  }

  get connection_name() {
    return this.#connection?.id ?? "";
  }

  async count() {
    return this.#connection ? this.#options.transforms.count(this.#connection.id, this.#connection) : NOTHING_COUNTED;
  }

  /** @param {number} now_ms @param {boolean} hurried measure on every tick */
  tick(now_ms, hurried) {
    const connection = this.#connection;
    if (this.#closed || !connection) return;
    this.#watch_pulse(now_ms);
    const { ice_state, connection_state } = connection;
    const pulse = this.#server_hears ? this.#heartbeat.pulse(now_ms) : "lost";
    const step = this.#recovery.tick({ pulse, ice_state, connection_state, reachable: this.#reachable }, now_ms);
    if (step === "restart") void this.#exchange(connection);
    else if (step === "renew") void this.#renew();
    if (hurried || now_ms - this.#last_stats_ms >= STATS_EVERY_MS) {
      this.#last_stats_ms = now_ms;
      void this.#measure(now_ms);
    }
  }

  async #renew() {
    const { descriptor, transforms } = this.#options;
    const previous = this.#connection;
    const ice_servers = (await this.#options.ice_servers(false)) ?? [];
    if (this.#closed || this.#connection !== previous) return;
    previous?.close();
    const connection = new SfuConnection({
      id: crypto.randomUUID(),
      room_size: descriptor.room_size ?? DEFAULT_ROOM_SIZE,
      layers: descriptor.layers ?? DEFAULT_LAYERS,
      codecs: descriptor.codecs,
      ice_servers,
      ice_transport_policy: descriptor.ice_transport_policy,
      transforms,
      tracks: this.#tracks,
      warm: this.#warm,
    });
    connection.addEventListener("trouble", (event) => this.#emit("trouble", /** @type {CustomEvent} */ (event).detail));
    connection.addEventListener("ice-state", () => this.tick(performance.now(), false));
    this.#connection = connection;
    this.#stats = new StatsMonitor(connection);
    this.#older_slots ??= previous ? this.#slots : null;
    this.#slots = new SlotMap();
    this.#heartbeat.begin_again();
    this.#received = 0;
    this.#server_hears = true;
    if (previous) this.#emit("renewed", null);
    void this.#exchange(connection);
  }

  /** Offers and applies the answer. @param {SfuConnection} connection */
  async #exchange(connection) {
    try {
      const fresh = await this.#options.ice_servers(true);
      if (connection !== this.#connection) return;
      const { serial, sdp, sources } = await connection.offer(fresh);
      const reply = await this.#options.request("sfu_offer", { connection: connection.id, sdp, sources });
      if (connection !== this.#connection) return;
      const outcome = await connection.answer(serial, reply.sdp);
      if (outcome === "stranger") this.#recovery.lose(performance.now());
      if (outcome === "applied") this.#emit("answered", null);
    } catch (error) {
      if (this.#closed || connection !== this.#connection) return;
      this.#recovery.lose(performance.now(), { refused: true });
      const { code, message } = /** @type {{code?: unknown, message?: string}} */ (error ?? {});
      if (typeof code === "string") this.#emit("refused", { code, message: message ?? "" });
      else this.#emit("trouble", error);
    }
  }

  /** @param {number} now_ms */
  #watch_pulse(now_ms) {
    const pulse = this.#heartbeat.change(now_ms);
    if (pulse === "alive" && this.#connection) this.#options.transforms.ask_for_key_frames(this.#connection.id);
    if (pulse) this.#emit("pulse", pulse);
  }

  /** @param {number} now_ms */
  async #measure(now_ms) {
    const connection = this.#connection;
    const rates = await this.#stats?.measure(now_ms);
    if (!rates || !connection || connection !== this.#connection) return;
    connection.delay_pictures(this.#playout.wanted(rates, now_ms));
    this.#heartbeat.lost_after_ms = flows(rates) ? this.#options.descriptor.lost_after_ms : SILENT_LOST_AFTER_MS;
    const received = rates.pair?.received ?? 0;
    if (received !== this.#received) {
      this.#received = received;
      this.#heartbeat.hear(performance.now());
      this.#watch_pulse(performance.now());
    }
    this.#emit("rates", rates);
  }

  /** @param {SlotChange[]} changes */
  #tracks_of(changes) {
    return changes.map(({ peer, slot, mid }) => ({ peer, slot, track: mid === null ? null : (this.#connection?.remote_track(mid) ?? null) }));
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
