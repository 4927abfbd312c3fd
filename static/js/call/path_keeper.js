/**
 * Keeps the media path that the last snapshot asks for. Between two engines (the third person is let in, or goes) the
 * new path is built and proved beside the old one, and takes over only then; a path that is lost is not waited for.
 *
 * Events (CustomEvents): everything the path in use emits, as {path, peer, type, detail}: "event". Of a path that is
 * still being proved only what must not be missed: what people say, and troubles.
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
 */

import { plan_path } from "../lib/path_plan.js";
import { P2PPath } from "./p2p_path.js";
import { SfuPath } from "./sfu_path.js";

const VERIFY_WITHIN_MS = 20_000;
const PATH_EVENTS = ["change", "remote-track", "pulse", "peer-media", "open", "chat", "history", "quality", "peer-quality", "speakers", "refused", "trouble"];
const NOT_TO_BE_MISSED = ["peer-media", "open", "chat", "history", "refused", "trouble"];
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
  /** @type {RTCIceTransportPolicy} */
  #policy = "all";
  /** @type {Want[]|null} */
  #view = null;
  /** @type {Message[]} */
  #early = [];

  /** Another engine is another builder; a route that is not named here was invented after this page was loaded. */
  #builders = {
    p2p: (/** @type {Plan} */ plan, /** @type {JoinDescriptor} */ descriptor) => this.#build_p2p(plan, descriptor),
    sfu: (/** @type {Plan} */ _plan, /** @type {JoinDescriptor} */ descriptor) => this.#build_sfu(descriptor),
  };

  /** @param {PathKeeperOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    const { local, transforms } = options;
    local.addEventListener("track", (event) => {
      const { slot, track } = /** @type {CustomEvent} */ (event).detail;
      for (const { path } of this.#all) void path.set_track(slot, track);
    });
    local.addEventListener("change", () => {
      for (const { path } of this.#all) path.set_media(local.state);
    });
    transforms.addEventListener("beat", () => {
      for (const { path } of this.#all) path.tick(performance.now());
    });
  }

  get path() {
    return this.#used?.path ?? null;
  }

  /** @returns {Held[]} */
  get #all() {
    return [this.#used, this.#next].filter((held) => held !== null);
  }

  /** @param {Message} message `signal`, `ack`, or one of protocol.SFU_MESSAGES */
  receive(message) {
    if (message.type === "signal" || message.type === "ack") {
      for (const { path, peer_id } of this.#all) if (message.from === peer_id) path.receive_signal(message);
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
    if (plan !== "keep" && plan.key === this.#used?.plan.key) this.#give_up_next();
    else if (plan !== "keep" && plan.key !== this.#next?.plan.key) void this.#replace(plan, join);
    this.#tell_people(snapshot);
  }

  drop() {
    const used = this.#used;
    this.#give_up_next();
    this.#used = null;
    this.#early = [];
    if (!used) return;
    used.path.close();
    this.#tell({ ...used, type: "change", detail: { ...NO_PATH, state: "none" } });
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

  /** @param {Plan} plan @param {JoinDescriptor} descriptor */
  async #replace(plan, descriptor) {
    const build = /** @type {Record<string, (plan: Plan, descriptor: JoinDescriptor) => P2PPath|SfuPath>} */ (this.#builders)[plan.engine];
    if (!build) {
      this.drop();
      this.dispatchEvent(new CustomEvent("unknown-engine", { detail: plan.engine }));
      return;
    }
    const previous = this.#used;
    const beside = previous?.path.report.state === "connected" && (plan.engine === "sfu" || previous.plan.engine === "sfu");
    /** @type {Held} */
    const held = { path: build(plan, descriptor), plan, peer_id: plan.peer?.id ?? "", policy: descriptor.ice_transport_policy };
    this.#policy = held.policy;
    this.#give_up_next();
    if (beside) this.#next = held;
    if (!beside) this.#used = held;
    this.#watch(held);
    if (plan.engine === "sfu") for (const message of this.#early.splice(0)) held.path.receive_sfu(message);
    await held.path.prepare();
    if (!this.#all.includes(held)) return;
    if (!beside) await held.path.swap(previous?.path ?? null);
    let proved = await held.path.verify(VERIFY_WITHIN_MS);
    // What works is not given up for what does not; when it stops working, #watch hands over.
    while (!proved && this.#next === held) proved = await held.path.verify(VERIFY_WITHIN_MS);
    if (this.#next === held) await this.#take_over();
    // ICE restarts mend a broken way, not a connection that stands and carries nothing (a failed DTLS handshake).
    const stands = this.#used === held && held.path.report.route !== "";
    if (!proved && stands && plan.peer?.polite === false && this.#options.socket_up()) this.#renew_page(held.policy);
  }

  /** The path that was built beside the one in use takes its place. */
  async #take_over() {
    const [previous, next] = [this.#used, this.#next];
    if (!next) return;
    this.#used = next;
    this.#next = null;
    this.#tell({ ...next, type: "change", detail: next.path.report });
    await next.path.swap(previous?.path ?? null);
  }

  #give_up_next() {
    this.#next?.path.close();
    this.#next = null;
  }

  /** @param {Plan} plan @param {JoinDescriptor} descriptor */
  #build_p2p({ peer, peer_page }, descriptor) {
    const { page_id, me, room, send, ice_servers, transforms, keys, local } = this.#options;
    if (!peer) throw new Error("a path between browsers needs a peer");
    return new P2PPath({
      page: page_id(), me: me(), room: room(), peer_page, peer, descriptor, transforms, keys, tracks: local.tracks, media: local.state, send, ice_servers,
    });
  }

  /** @param {JoinDescriptor} descriptor */
  #build_sfu(descriptor) {
    const { me, send, request, ice_servers, transforms, keys, local } = this.#options;
    return new SfuPath({
      me: me(), descriptor, transforms, tracks: local.tracks, media: local.state, view: this.#view, send, request, ice_servers,
      say: (to, body) => keys.say(to, body),
    });
  }

  /** @param {Held} held */
  #watch(held) {
    for (const type of PATH_EVENTS) {
      held.path.addEventListener(type, (event) => {
        // A path that was replaced has nothing more to say.
        if (this.#used === held || (this.#next === held && NOT_TO_BE_MISSED.includes(type))) {
          this.#tell({ ...held, type, detail: /** @type {CustomEvent} */ (event).detail });
        }
        if (type === "change" && this.#used === held && held.path.report.state !== "connected") void this.#take_over();
      });
    }
  }

  /** @param {{path: P2PPath|SfuPath, peer_id: string, type: string, detail: unknown}} event */
  #tell({ path, peer_id, type, detail }) {
    this.dispatchEvent(new CustomEvent("event", { detail: { path, peer_id, type, detail } }));
  }
}
