/**
 * One RTCPeerConnection to one peer: fixed media slots, encoded transforms, perfect negotiation, trickle ICE.
 *
 * Both sides create the same three slots (audio, video, screen) by addTrack before anything is negotiated. Then
 * - every sender and receiver exists, so its transform is in place before the first frame;
 * - an incoming offer finds the slots by kind and order (JSEP §5.10 reuses only what addTrack made), on the side
 *   that answers and after a rollback as well;
 * - muting, another camera and screen sharing are replaceTrack: no later negotiation, so no glare in the call.
 * A slot without a track sends nothing.
 *
 * @import { SignalBody } from "../lib/protocol.js"
 * @import { FrameTransforms } from "./frame_transforms.js"
 * @typedef {"audio"|"video"|"screen"} Slot
 */

import { complete_candidate, complete_candidates, hide_addresses, hide_candidate, ice_ufrag } from "../lib/candidates.js";
import { prefer_codecs } from "../lib/codecs.js";
import { Negotiation } from "../lib/negotiation.js";

/** @type {Slot[]} */
export const SLOTS = ["audio", "video", "screen"];

/** Two offers closer than this answer the same loss twice. */
const RESTART_GAP_MS = 1000;

/**
 * @typedef {object} PeerConnectionOptions
 * @property {boolean} polite
 * @property {RTCIceServer[]} ice_servers
 * @property {RTCIceTransportPolicy} ice_transport_policy
 * @property {string[]} codecs preferred video codecs, as MIME types
 * @property {string} name of this connection, for the frame counters
 * @property {FrameTransforms} transforms
 * @property {Partial<Record<Slot, MediaStreamTrack|null>>} tracks
 * @property {(body: SignalBody) => void} send
 * @property {() => Promise<RTCIceServer[]|null>} refresh_ice_servers current credentials, null when the old ones are still good
 */

/** Emits "connection-state", "ice-state" and "trouble" (detail: the error of a description that could not be applied). */
export class PeerConnection extends EventTarget {
  /** @type {RTCPeerConnection} */
  #pc;
  #negotiation;
  #options;
  #incoming = Promise.resolve();
  #closed = false;
  #last_restart_ms = -Infinity;
  #remote_ufrag = "";
  /** @type {RTCRtpTransceiver[]} */
  #transceivers = [];

  /** @param {PeerConnectionOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#negotiation = new Negotiation(options.polite);
    this.#pc = new RTCPeerConnection({
      iceServers: options.ice_servers,
      iceTransportPolicy: options.ice_transport_policy,
      bundlePolicy: "max-bundle",
      rtcpMuxPolicy: "require",
    });
    this.#pc.addEventListener("negotiationneeded", () => this.#offer_if_ours());
    this.#pc.addEventListener("icecandidate", ({ candidate }) => this.#send_candidate(candidate));
    this.#pc.addEventListener("connectionstatechange", () => this.dispatchEvent(new Event("connection-state")));
    this.#pc.addEventListener("iceconnectionstatechange", () => this.dispatchEvent(new Event("ice-state")));
    this.#create_slots(options);
  }

  get connection_state() {
    return this.#pc.connectionState;
  }

  get ice_state() {
    return this.#pc.iceConnectionState;
  }

  /** @param {Slot} slot @returns {MediaStreamTrack} */
  remote_track(slot) {
    return this.#transceiver(slot).receiver.track;
  }

  get local_sdp() {
    return this.#pc.localDescription?.sdp;
  }

  get remote_sdp() {
    return this.#pc.remoteDescription?.sdp;
  }

  /** @returns {Record<string, Slot>} for stats_math.sample */
  get slots_by_mid() {
    /** @type {Record<string, Slot>} */
    const slots = {};
    SLOTS.forEach((slot, index) => {
      const mid = this.#transceivers[index]?.mid;
      if (mid) slots[mid] = slot;
    });
    return slots;
  }

  /** @param {string} label @param {RTCDataChannelInit} init with negotiated: true and an id */
  create_channel(label, init) {
    return this.#pc.createDataChannel(label, init);
  }

  get_stats() {
    return this.#pc.getStats();
  }

  /** @param {Slot} slot @param {MediaStreamTrack|null} track null stops sending */
  async set_track(slot, track) {
    await this.#transceiver(slot).sender.replaceTrack(track);
  }

  /**
   * What may be sent in a slot, from now on.
   *
   * @param {Slot} slot
   * @param {import("../lib/adaptation.js").Limits} limits
   */
  async limit(slot, { active, max_bps, scale, max_fps }) {
    const { sender } = this.#transceiver(slot);
    try {
      const parameters = sender.getParameters();
      const [encoding] = parameters.encodings;
      if (!encoding) return;
      encoding.active = active;
      if (max_bps === null) delete encoding.maxBitrate;
      else encoding.maxBitrate = max_bps;
      if (slot !== "audio") {
        encoding.scaleResolutionDownBy = scale;
        if (max_fps === null) delete encoding.maxFramerate;
        else encoding.maxFramerate = max_fps;
      }
      await sender.setParameters(parameters);
    } catch (error) {
      if (!this.#closed) this.#report(error);
    }
  }

  /**
   * Starts an ICE restart: the impolite side offers, the polite one asks it to, so that both noticing the same loss
   * does not end in glare.
   */
  async restart_ice() {
    if (this.#closed) return;
    if (this.#negotiation.polite) {
      this.#options.send({ kind: "restart" });
      return;
    }
    const now_ms = performance.now();
    if (now_ms - this.#last_restart_ms < RESTART_GAP_MS) return;
    this.#last_restart_ms = now_ms;
    await this.#renew_ice_servers();
    if (!this.#closed) this.#pc.restartIce();
  }

  /**
   * Applies what the peer signalled. Calls queue up: the next body waits until this one is done.
   *
   * @param {SignalBody} body
   * @returns {Promise<void>}
   */
  receive(body) {
    this.#incoming = this.#incoming.then(() => (this.#closed ? undefined : this.#apply(body)));
    return this.#incoming;
  }

  close() {
    this.#closed = true;
    this.#pc.close();
  }

  /** @param {PeerConnectionOptions} options */
  #create_slots({ tracks, transforms, name, codecs }) {
    // addTrack needs a track: a slot without one borrows an empty receiver track and lets it go again.
    const donor = new RTCPeerConnection({ iceServers: [] });
    for (const slot of SLOTS) {
      const kind = slot === "audio" ? "audio" : "video";
      const track = tracks[slot] ?? null;
      const sender = this.#pc.addTrack(track ?? donor.addTransceiver(kind).receiver.track);
      const transceiver = this.#pc.getTransceivers().find((candidate) => candidate.sender === sender);
      if (!transceiver) throw new Error("addTrack made no transceiver");
      transforms.attach(sender, name, `send:${slot}`);
      transforms.attach(transceiver.receiver, name, `receive:${slot}`);
      if (!track) sender.replaceTrack(null);
      const capabilities = RTCRtpReceiver.getCapabilities(kind);
      if (kind === "video" && capabilities) transceiver.setCodecPreferences?.(prefer_codecs(capabilities.codecs, codecs));
      this.#transceivers.push(transceiver);
    }
    donor.close();
  }

  /** @param {Slot} slot */
  #transceiver(slot) {
    const transceiver = this.#transceivers[SLOTS.indexOf(slot)];
    if (!transceiver) throw new Error(`no slot ${slot}`);
    return transceiver;
  }

  /**
   * Only the impolite side offers. The polite one would have to take its own back when both do, and Chromium forgets the
   * encoded transforms of receivers in a rollback: what comes then is not opened any more.
   */
  async #offer_if_ours() {
    if (this.#closed) return;
    if (this.#negotiation.polite) {
      if (this.#pc.currentRemoteDescription) this.#options.send({ kind: "restart" });
      return;
    }
    this.#negotiation.begin_offer();
    try {
      await this.#pc.setLocalDescription();
      this.#send_description();
    } catch (error) {
      this.#report(error);
    } finally {
      this.#negotiation.end_offer();
    }
  }

  #send_description() {
    const description = this.#pc.localDescription;
    if (!description || this.#closed) return;
    const sdp = this.#hides_addresses ? hide_addresses(description.sdp) : description.sdp;
    this.#options.send({ kind: "description", type: description.type, sdp });
  }

  get #hides_addresses() {
    return this.#options.ice_transport_policy === "relay";
  }

  /** @param {RTCIceCandidate|null} candidate */
  #send_candidate(candidate) {
    if (this.#closed) return;
    if (!candidate) {
      this.#options.send({ kind: "candidate", candidate: null });
      return;
    }
    // Firefox announces the end twice: as an empty candidate per section and as null.
    if (candidate.candidate === "") return;
    const shown = this.#hides_addresses ? hide_candidate(candidate.candidate) : candidate.candidate;
    if (shown === null) return;
    const { sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    this.#options.send({ kind: "candidate", candidate: { candidate: shown, sdpMid, sdpMLineIndex, usernameFragment } });
  }

  /** @param {SignalBody} body */
  async #apply(body) {
    try {
      if (body.kind === "description") await this.#apply_description(body.type, body.sdp);
      else if (body.kind === "candidate") await this.#apply_candidate(body.candidate);
      else if (body.kind === "restart") await this.#restart_as_asked();
    } catch (error) {
      if (!this.#closed) this.#report(error);
    }
  }

  /** @param {RTCSdpType} type @param {string} sdp */
  async #apply_description(type, sdp) {
    if (type !== "offer" && type !== "answer") return;
    const ufrag = ice_ufrag(sdp);
    // An ICE restart makes this side gather again as well, with credentials that must still be valid.
    if (type === "offer" && this.#remote_ufrag && ufrag !== this.#remote_ufrag) await this.#renew_ice_servers();
    if (this.#closed || this.#negotiation.judge(type, this.#pc.signalingState) === "ignore") return;
    this.#remote_ufrag = ufrag;
    this.#negotiation.begin_remote(type);
    try {
      await this.#pc.setRemoteDescription({ type, sdp: complete_candidates(sdp) });
    } finally {
      this.#negotiation.end_remote();
    }
    if (type === "offer") {
      await this.#pc.setLocalDescription();
      this.#send_description();
    }
  }

  /** @param {import("../lib/protocol.js").Candidate|null} candidate */
  async #apply_candidate(candidate) {
    if (!this.#pc.remoteDescription) return;
    try {
      if (candidate) await this.#pc.addIceCandidate({ ...candidate, candidate: complete_candidate(candidate.candidate) });
      else await this.#pc.addIceCandidate();
    } catch (error) {
      const stale = candidate?.usernameFragment && candidate.usernameFragment !== this.#remote_ufrag;
      if (!this.#negotiation.candidates_may_fail && !stale) throw error;
    }
  }

  async #restart_as_asked() {
    if (!this.#negotiation.polite && this.#pc.signalingState === "stable") await this.restart_ice();
  }

  async #renew_ice_servers() {
    const ice_servers = await this.#options.refresh_ice_servers();
    if (!ice_servers || this.#closed) return;
    this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers: ice_servers });
  }

  /** @param {unknown} error */
  #report(error) {
    this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
  }
}
