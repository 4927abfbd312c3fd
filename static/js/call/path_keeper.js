/**
 * Keeps the media path that the last snapshot asks for, and the one it may ask for next. Make before break:
 *
 *   join.warm ─▶ #next is built beside #used: it carries media unseen and unheard, and is measured
 *   join ─▶ #next is proved ─▶ becomes #used: each track takes over as soon as it plays (swap)
 *        ─▶ the path before is #leaving until both people have moved, or for 5 s
 *
 * Who is only asked for (no warm path before) is built and proved beside the one in use all the same. A path that is lost is
 * not waited for. A page decides nothing here: it only follows snapshots.
 *
 * Events (CustomEvents): everything the path in use emits, as {path, peer_id, type, detail}: "event". Of the other two only
 * what must not be missed: what people say, and troubles. "moved" ({engine}): this page shows what comes over another route.
 *
 * @import { Plan } from "../lib/path_plan.js"
 * @import { JoinDescriptor, Message, Snapshot } from "../lib/protocol.js"
 * @import { Want } from "../lib/view_wants.js"
 * @import { FrameKeys } from "./frame_keys.js"
 * @import { FrameTransforms } from "./frame_transforms.js"
 * @import { LocalMedia } from "./local_media.js"
 * @import { PathReport } from "./media_path.js"
 *
 * @typedef {object} Held a path, and what it was built for
 * @property {P2PPath|SfuPath} path
 * @property {Plan} plan
 * @property {string} peer_id "" when it serves everybody
 * @property {RTCIceTransportPolicy} policy it was made under
 * @property {number} generation of a direct connection between two pages
 * @property {boolean} warm nobody asked to show it yet
 * @property {boolean} proved
 *
 * @typedef {object} PathKeeperOptions
 * @property {() => string} page_id
 * @property {() => string} me
 * @property {() => boolean} socket_up
 * @property {(message: Message) => boolean} send
 * @property {(type: string, payload?: Record<string, unknown>) => Promise<Message>} request
 * @property {() => void} renew_page comes back as a new page, the reason for the peer to make a new connection
 * @property {(if_older: boolean) => Promise<RTCIceServer[]|null>} ice_servers
 * @property {() => string} room
 * @property {FrameTransforms} transforms
 * @property {FrameKeys} keys
 * @property {LocalMedia} local
 * @property {Record<string, Builder>} [builders] by engine, instead of the product's own
 * @typedef {(plan: Plan, descriptor: JoinDescriptor, warm: boolean, generation: number) => P2PPath|SfuPath} Builder
 */

import { plan_path } from "../lib/path_plan.js";
import { parse_stream_id } from "../lib/protocol.js";
import { FAIR_FROM } from "../lib/quality.js";
import { quality_report } from "../lib/quality_report.js";
import { Leaving } from "./leaving.js";
import { P2PPath } from "./p2p_path.js";
import { SfuPath } from "./sfu_path.js";

const VERIFY_WITHIN_MS = 20_000;
const REPORT_EVERY_MS = 2000;
/** While it is bad or another path is compared, seconds count. */
const REPORT_SOON_MS = 1000;
const PATH_EVENTS = ["change", "remote-track", "pulse", "peer-media", "open", "chat", "history", "still", "quality", "peer-quality", "remedy", "speakers", "refused", "trouble"];
/** Of a path that is being proved. */
const NOT_TO_BE_MISSED = ["peer-media", "open", "chat", "history", "still", "trouble"];
/** Of one that is being left: what was said last. */
const LAST_WORDS = ["chat", "history", "still"];
/** What the server told before this page heard that it is on the server. */
const MAX_EARLY = 64;
/** @type {PathReport} */
const NO_PATH = { state: "new", route: "", local: "", remote: "", protocol: "", relay: "", rtt_ms: null };

export class PathKeeper extends EventTarget {
  #options;
  /** @type {Held|null} */
  #used = null;
  /** @type {Held|null} built and proved beside the one in use */
  #next = null;
  /** @type {Leaving|null} */
  #leaving = null;
  /** How many direct connections two pages had, by both pages. @type {Map<string, number>} */
  #generations = new Map();
  /** @type {Snapshot|null} */
  #snapshot = null;
  #reported_ms = -Infinity;
  /** The engine the other page shows, as far as it said so. */
  #peer_shows = "";
  /** @type {RTCIceTransportPolicy} */
  #policy = "all";
  /** @type {Want[]|null} */
  #view = null;
  /** @type {Message[]} */
  #early = [];

  /** Another engine is another builder; a route that is not named here was invented after this page was loaded. @type {Record<string, Builder>} */
  #builders = {
    p2p: (plan, descriptor, warm, generation) => this.#build_p2p(plan, descriptor, warm, generation),
    sfu: (_plan, descriptor, warm) => this.#build_sfu(descriptor, warm),
  };

  /** @param {PathKeeperOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#builders = options.builders ?? this.#builders;
    const { local, transforms } = options;
    local.addEventListener("track", (event) => {
      const { slot, track } = /** @type {CustomEvent} */ (event).detail;
      for (const { path } of this.#all) void path.set_track(slot, track);
    });
    local.addEventListener("change", () => {
      for (const { path } of this.#all) path.set_media(local.state);
    });
    transforms.addEventListener("beat", () => {
      const now_ms = performance.now();
      for (const { path } of this.#all) path.tick(now_ms);
      this.#leave(now_ms);
      this.#report(now_ms);
    });
  }

  get path() {
    return this.#used?.path ?? null;
  }

  /** Every path that carries something, the one in use first. @returns {{path: P2PPath|SfuPath, shown: boolean}[]} shown: something of it is seen or heard */
  get carrying() {
    const leaving = this.#leaving;
    const shown = new Map([[this.#used, leaving === null || leaving.begun], [leaving?.held, leaving?.moved === false]]);
    return this.#all.map((held) => ({ path: held.path, shown: shown.get(held) ?? false }));
  }

  /** @returns {Held[]} */
  get #all() {
    return [this.#used, this.#next, this.#leaving?.held ?? null].filter((held) => held !== null);
  }

  /** @param {MediaStreamTrack} track is seen or heard now */
  note_shown(track) {
    this.#leaving?.note_shown(track);
  }

  /** @param {Message} message `signal`, `ack`, or one of protocol.SFU_MESSAGES */
  receive(message) {
    if (message.type === "signal" || message.type === "ack") {
      for (const { path, peer_id } of this.#all) if (message.from === peer_id) path.receive_signal(message);
      if (message.type === "signal") this.#note_generation(message);
      return;
    }
    const served = this.#all.filter(({ plan }) => plan.engine === "sfu");
    for (const { path } of served) path.receive_sfu(message);
    if (served.length === 0) this.#early = [...this.#early, message].slice(-MAX_EARLY);
  }

  /** @param {string} peer said something that could not be read here */
  ask_again(peer) {
    for (const { path } of this.#all) path.ask_again(peer);
  }

  /** @param {Want[]} view */
  set_view(view) {
    this.#view = view;
    for (const { path } of this.#all) path.set_view(view);
  }

  /** Makes the media path what the snapshot asks for. @param {Snapshot} snapshot */
  follow(snapshot) {
    this.#snapshot = snapshot;
    const plan = plan_path(snapshot, this.#used?.peer_id ?? "");
    const { join } = snapshot;
    if (plan === null || !join) {
      this.drop();
      return;
    }
    const impolite = this.#used?.plan.peer && join.peers[0]?.polite === false;
    if (impolite && join.engine === this.#used?.plan.engine && this.#policy !== join.ice_transport_policy) {
      this.#renew_page(join.ice_transport_policy);
      return;
    }
    if (plan !== "keep" && plan.key !== this.#used?.plan.key) this.#go_to(plan, join);
    else this.#warm_up(snapshot, join.warm ?? null);
    this.#tell_people(snapshot);
  }

  drop() {
    const used = this.#used;
    this.#give_up_next();
    this.#close_leaving();
    this.#used = null;
    this.#early = [];
    if (!used) return;
    used.path.close();
    this.#tell({ ...used, type: "change", detail: { ...NO_PATH, state: "none" } });
  }

  /** The server asks for another path than the one in use. @param {Plan} plan @param {JoinDescriptor} descriptor */
  #go_to(plan, descriptor) {
    const next = this.#next;
    if (next?.plan.key !== plan.key) {
      void this.#replace(plan, descriptor, { warm: false });
      return;
    }
    if (!next.warm) return;
    next.warm = false;
    next.path.send_in_full();
    if (next.proved || this.#used?.path.report.state !== "connected") void this.#take_over();
  }

  /** The path it may ask for next, or none. @param {Snapshot} snapshot @param {JoinDescriptor|null} descriptor */
  #warm_up(snapshot, descriptor) {
    const plan = descriptor && plan_path({ ...snapshot, join: descriptor }, this.#next?.peer_id ?? "");
    if (!plan || !descriptor) this.#give_up_next();
    else if (plan !== "keep" && plan.key !== this.#next?.plan.key) void this.#replace(plan, descriptor, { warm: true });
    else if (plan !== "keep" && this.#next && !this.#next.warm) {
      // It was asked for, and is not any more: it may stay, but not take over.
      this.#next.warm = true;
    }
  }

  /** @param {Snapshot} snapshot */
  #tell_people({ me, participants }) {
    const others = participants.filter(({ id, state }) => id !== me.id && state === "admitted");
    for (const { path, peer_id } of this.#all) {
      path.set_reachable(this.#options.socket_up(), others.find(({ id }) => id === peer_id)?.present === true);
      path.set_people(others);
    }
  }

  /**
   * Makes both sides build a new connection; the impolite side does it. Hiding addresses during a visit needs one:
   * browsers keep a direct pair that works through any ICE restart.
   *
   * @param {RTCIceTransportPolicy} policy
   */
  #renew_page(policy) {
    this.#policy = policy;
    if (this.#used) this.#used.plan = { ...this.#used.plan, key: "" };
    this.#options.renew_page();
  }

  /** @param {Plan} plan @param {JoinDescriptor} descriptor @param {{warm: boolean}} how warm: to be measured, not to be shown */
  async #replace(plan, descriptor, { warm }) {
    const build = this.#builders[plan.engine];
    if (!build) {
      if (!warm) this.drop();
      this.dispatchEvent(new CustomEvent("unknown-engine", { detail: plan.engine }));
      return;
    }
    const previous = this.#used;
    const beside = warm || (previous?.path.report.state === "connected" && (plan.engine === "sfu" || previous.plan.engine === "sfu"));
    const generation = this.#next_generation(plan);
    const path = build(plan, descriptor, warm, generation);
    /** @type {Held} */
    const held = { path, plan, peer_id: plan.peer?.id ?? "", policy: descriptor.ice_transport_policy, generation, warm, proved: false };
    if (!warm) this.#policy = held.policy;
    this.#give_up_next();
    if (beside) this.#next = held;
    if (!beside) this.#used = held;
    this.#watch(held);
    if (plan.engine === "sfu") for (const message of this.#early.splice(0)) held.path.receive_sfu(message);
    await held.path.prepare();
    if (!this.#all.includes(held)) return;
    if (!beside) {
      this.#close_leaving();
      await held.path.swap(null);
      previous?.path.close();
    }
    held.proved = await held.path.verify(VERIFY_WITHIN_MS);
    // What works is not given up for what does not; when it stops working, #watch hands over.
    while (!held.proved && this.#next === held) held.proved = await held.path.verify(VERIFY_WITHIN_MS);
    if (this.#next === held && !held.warm) await this.#take_over();
    // ICE restarts mend a broken way, not a connection that stands and carries nothing (a failed DTLS handshake).
    const stands = this.#used === held && held.path.report.route !== "";
    if (!held.proved && stands && plan.peer?.polite === false && this.#options.socket_up()) this.#renew_page(held.policy);
  }

  /** The path that was built beside the one in use takes its place; that one stays until both people have moved. */
  async #take_over() {
    const [previous, next] = [this.#used, this.#next];
    if (!next) return;
    this.#used = next;
    this.#next = null;
    this.#policy = next.policy;
    const peer_shows = this.#peer_shows;
    this.#close_leaving();
    this.#peer_shows = peer_shows;
    const leaving = previous && new Leaving(previous, performance.now());
    this.#leaving = leaving;
    this.#tell({ ...next, type: "change", detail: next.path.report });
    await next.path.swap(previous?.path ?? null);
    if (leaving) leaving.announced = true;
    else this.dispatchEvent(new CustomEvent("moved", { detail: { engine: next.plan.engine } }));
  }

  /** Lets the path before go when nobody needs it any more. @param {number} now_ms */
  #leave(now_ms) {
    const leaving = this.#leaving;
    const used = this.#used;
    if (!leaving || !used) return;
    if (leaving.moves(used, now_ms)) {
      for (const { path } of [leaving.held, used]) path.tell_moved(used.plan.engine);
      this.dispatchEvent(new CustomEvent("moved", { detail: { engine: used.plan.engine } }));
    }
    if (leaving.over(this.#peer_shows === used.plan.engine, now_ms)) this.#close_leaving();
  }

  #close_leaving() {
    if (!this.#leaving) return;
    this.#leaving.held.path.close();
    this.#leaving = null;
    this.#peer_shows = "";
  }

  /** @param {number} now_ms */
  #report(now_ms) {
    const waited_ms = now_ms - this.#reported_ms;
    if (waited_ms < REPORT_SOON_MS) return;
    const standing = [this.#used, this.#next].flatMap((held) => {
      const measured = held?.path.measured();
      return held && measured ? [{ held, measured }] : [];
    });
    const poor = standing.some(({ measured: { audio, video } }) => Math.min(audio?.score ?? 100, video?.score ?? 100) < FAIR_FROM);
    if (waited_ms < REPORT_EVERY_MS && !poor && !this.#next) return;
    this.#reported_ms = now_ms;
    for (const { held, measured } of standing) {
      this.#options.send(quality_report(measured, { engine: held.plan.engine, warm: held !== this.#used, remedy: held.path.remedy }));
    }
  }

  /** Number of the next direct connection to that page: one more than we had, and never less than the other page's. @param {Plan} plan */
  #next_generation({ peer, peer_page }) {
    if (!peer) return 0;
    const pages = `${this.#options.page_id()}.${peer_page}`;
    const generation = this.#generations.get(pages) ?? 0;
    this.#generations.set(pages, generation + 1);
    return generation;
  }

  /** The other page builds another connection than the one we have to it: it left that one, so we do. @param {Message} message */
  #note_generation({ from, stream }) {
    if (typeof stream !== "string") return;
    const { sender_page, receiver_page, generation } = parse_stream_id(stream);
    if (receiver_page !== this.#options.page_id()) return;
    const pages = `${receiver_page}.${sender_page}`;
    const ours = [this.#used, this.#next].find((held) => held?.peer_id === from && held?.plan.peer_page === sender_page);
    if (generation >= (this.#generations.get(pages) ?? 0)) this.#generations.set(pages, generation);
    if (!ours || generation <= ours.generation || !this.#snapshot) return;
    if (ours === this.#next) this.#give_up_next();
    else ours.plan = { ...ours.plan, key: "" };
    this.follow(this.#snapshot);
  }

  #give_up_next() {
    this.#next?.path.close();
    this.#next = null;
  }

  /** @param {Plan} plan @param {JoinDescriptor} descriptor @param {boolean} warm @param {number} generation */
  #build_p2p({ peer, peer_page }, descriptor, warm, generation) {
    const { page_id, me, room, send, ice_servers, transforms, keys, local } = this.#options;
    if (!peer) throw new Error("a path between browsers needs a peer");
    return new P2PPath({
      page: page_id(), me: me(), room: room(), peer_page, peer, descriptor, transforms, keys, tracks: local.tracks, media: local.state, send, ice_servers, warm, generation,
    });
  }

  /** @param {JoinDescriptor} descriptor @param {boolean} warm */
  #build_sfu(descriptor, warm) {
    const { me, send, request, ice_servers, transforms, keys, local } = this.#options;
    return new SfuPath({
      me: me(), descriptor, transforms, tracks: local.tracks, media: local.state, view: this.#view, send, request, ice_servers, warm,
      say: (to, body) => keys.say(to, body),
      seals: () => keys.seals,
    });
  }

  /** @param {Held} held */
  #watch(held) {
    for (const type of PATH_EVENTS) {
      held.path.addEventListener(type, (event) => {
        const { detail } = /** @type {CustomEvent} */ (event);
        // A path that was replaced has nothing more to say.
        const heard = this.#used === held
          || (this.#next === held && (NOT_TO_BE_MISSED.includes(type) || (type === "refused" && !held.warm)))
          || (this.#leaving?.held === held && LAST_WORDS.includes(type));
        if (heard) {
          if (type === "remote-track") this.#leaving?.note_announced(detail.slot, detail.track);
          this.#tell({ ...held, type, detail });
        }
        const lost = type === "change" && this.#used === held && held.path.report.state !== "connected";
        if (lost && this.#next && !this.#next.warm) void this.#take_over();
      });
    }
    held.path.addEventListener("moved", (event) => { this.#peer_shows = /** @type {CustomEvent} */ (event).detail; });
  }

  /** @param {{path: P2PPath|SfuPath, peer_id: string, type: string, detail: unknown}} event */
  #tell({ path, peer_id, type, detail }) {
    this.dispatchEvent(new CustomEvent("event", { detail: { path, peer_id, type, detail } }));
  }
}
