/**
 * One RTCPeerConnection to the media server. This side always offers; all sections exist from the first offer on (see
 * lib/sfu_lines.js), each with its encoded transform, so nothing is negotiated again but ICE restarts:
 * muting, another camera and screen sharing are replaceTrack, and who is received where is the server's to say.
 *
 * @import { Layer } from "../lib/simulcast.js"
 * @import { SendLine, Slot, Source } from "../lib/sfu_lines.js"
 * @import { FrameTransforms } from "./frame_transforms.js"
 */

import { prefer_codecs } from "../lib/codecs.js";
import { answer_identity, compact_offer } from "../lib/offer_text.js";
import { receive_kinds, SEND_LINES } from "../lib/sfu_lines.js";
import { camera_encodings, layer_count } from "../lib/simulcast.js";

const AUDIO_CODEC = "audio/opus";
/** A shared screen is one stream: text needs bits when it changes and hardly any else. */
const SCREEN_ENCODING = { maxBitrate: 2_500_000, maxFramerate: 15 };

/**
 * @typedef {object} SfuConnectionOptions
 * @property {string} id of this connection: for the server, and for the frame counters
 * @property {number} room_size
 * @property {Layer[]} layers of the camera, lowest first
 * @property {string[]} codecs preferred video codecs, as MIME types
 * @property {RTCIceServer[]} ice_servers
 * @property {RTCIceTransportPolicy} ice_transport_policy
 * @property {FrameTransforms} transforms
 * @property {Partial<Record<Slot, MediaStreamTrack|null>>} tracks
 * @property {boolean} [warm] send only sound and the lowest layer, until `send_in_full`
 */

/** Emits "ice-state", and "trouble" (detail: error). */
export class SfuConnection extends EventTarget {
  /** @type {RTCPeerConnection} */
  #pc;
  #options;
  #closed = false;
  /** Offers are answered in order; an answer to an older one is worth nothing. */
  #serial = 0;
  #answered_by = "";
  #layers = 0;
  #warm;
  /** @type {Map<Slot, RTCRtpTransceiver>} */
  #sending = new Map();
  /** @type {RTCRtpTransceiver[]} */
  #receiving = [];

  /** @param {SfuConnectionOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#warm = options.warm === true;
    this.#pc = new RTCPeerConnection({
      iceServers: options.ice_servers,
      iceTransportPolicy: options.ice_transport_policy,
      bundlePolicy: "max-bundle",
      rtcpMuxPolicy: "require",
    });
    for (const type of ["iceconnectionstatechange", "connectionstatechange"]) {
      this.#pc.addEventListener(type, () => this.dispatchEvent(new Event("ice-state")));
    }
    for (const line of SEND_LINES) this.#add_sending(line);
    for (const kind of receive_kinds(options.room_size)) this.#add_receiving(kind);
  }

  get id() {
    return this.#options.id;
  }

  get connection_state() {
    return this.#pc.connectionState;
  }

  get ice_state() {
    return this.#pc.iceConnectionState;
  }

  /** In how many layers the camera is sent. */
  get layers() {
    return this.#warm ? Math.min(1, this.#layers) : this.#layers;
  }

  /** @param {string} mid @returns {MediaStreamTrack|null} */
  remote_track(mid) {
    return this.#receiving.find((transceiver) => transceiver.mid === mid)?.receiver.track ?? null;
  }

  /** Says whose frames the slot may show. @param {string} mid @param {string} from "" for anybody's */
  expect(mid, from) {
    const index = this.#receiving.findIndex((transceiver) => transceiver.mid === mid);
    const receiver = this.#receiving[index]?.receiver;
    if (receiver) this.#options.transforms.expect(this.#options.id, `receive:${receiver.track.kind}`, from, String(index));
  }

  /** Lets received pictures wait for repair. @param {number|null} target_ms null: as the browser likes */
  delay_pictures(target_ms) {
    for (const { receiver } of this.#receiving) {
      if (receiver.track.kind !== "video" || receiver.jitterBufferTarget === target_ms) continue;
      receiver.jitterBufferTarget = target_ms;
    }
  }

  /** @returns {Record<string, string>} for stats_math.sample: "audio", "video", "screen", and "<mid>:<kind>" of what is received */
  get slots_by_mid() {
    /** @type {Record<string, string>} */
    const slots = {};
    for (const [slot, { mid }] of this.#sending) if (mid) slots[mid] = slot;
    for (const { mid, receiver } of this.#receiving) if (mid) slots[mid] = `${mid}:${receiver.track.kind}`;
    return slots;
  }

  get_stats() {
    return this.#pc.getStats();
  }

  /**
   * Makes the next offer: the first one, or an ICE restart.
   *
   * @param {RTCIceServer[]|null} [fresh_ice_servers] null: those of before are still good
   * @returns {Promise<{serial: number, sdp: string, sources: Record<string, Source>}>}
   */
  async offer(fresh_ice_servers = null) {
    this.#serial += 1;
    const serial = this.#serial;
    if (fresh_ice_servers) this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers: fresh_ice_servers });
    const restart = this.#pc.currentRemoteDescription !== null;
    await this.#pc.setLocalDescription(await this.#pc.createOffer({ iceRestart: restart }));
    const sdp = compact_offer(this.#pc.localDescription?.sdp ?? "", [AUDIO_CODEC, ...this.#options.codecs]);
    return { serial, sdp, sources: this.#sources };
  }

  /**
   * Applies the server's answer.
   *
   * @param {number} serial of the offer it answers
   * @param {string} sdp
   * @returns {Promise<"applied"|"outdated"|"stranger">} stranger: the server does not know this connection any more
   */
  async answer(serial, sdp) {
    if (this.#closed || serial !== this.#serial || this.#pc.signalingState !== "have-local-offer") return "outdated";
    const answered_by = answer_identity(sdp);
    if (this.#answered_by && this.#answered_by !== answered_by) return "stranger";
    this.#answered_by = answered_by;
    await this.#pc.setRemoteDescription({ type: "answer", sdp });
    // Chromium switches every layer on that an answer does not pause (RFC 8853 §5.2): a path that is tried sends one.
    const camera = this.#sending.get("video")?.sender;
    if (this.#warm && !this.#closed && camera?.track) await this.#fit_layers(camera, camera.track);
    return "applied";
  }

  /** @param {Slot} slot @param {MediaStreamTrack|null} track null stops sending */
  async set_track(slot, track) {
    const sender = this.#sending.get(slot)?.sender;
    if (!sender || this.#closed) return;
    try {
      await sender.replaceTrack(track);
      if (slot === "video" && track) await this.#fit_layers(sender, track);
    } catch (error) {
      if (!this.#closed) this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  async send_in_full() {
    if (!this.#warm || this.#closed) return;
    this.#warm = false;
    try {
      for (const slot of /** @type {Slot[]} */ (["video", "screen"])) {
        const sender = this.#sending.get(slot)?.sender;
        if (!sender) continue;
        const wanted = this.#encodings(slot, sender.track);
        const parameters = sender.getParameters();
        parameters.encodings.forEach((encoding, index) => Object.assign(encoding, { active: true }, wanted[index]));
        await sender.setParameters(parameters);
      }
    } catch (error) {
      if (!this.#closed) this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  close() {
    this.#closed = true;
    this.#pc.close();
    this.#options.transforms.forget(this.#options.id);
  }

  /** @returns {Record<string, Source>} by mid */
  get #sources() {
    /** @type {Record<string, Source>} */
    const sources = {};
    for (const { slot, source } of SEND_LINES) {
      const mid = this.#sending.get(slot)?.mid;
      if (mid) sources[mid] = source;
    }
    return sources;
  }

  /** @param {SendLine} line */
  #add_sending({ slot, kind }) {
    const track = this.#options.tracks[slot] ?? null;
    const transceiver = this.#pc.addTransceiver(track ?? kind, { direction: "sendonly", sendEncodings: this.#encodings(slot, track) });
    this.#attach(transceiver, kind, `send:${slot}`, `unused:${slot}`);
    this.#sending.set(slot, transceiver);
  }

  /** @param {"audio"|"video"} kind */
  #add_receiving(kind) {
    const transceiver = this.#pc.addTransceiver(kind, { direction: "recvonly" });
    this.#attach(transceiver, kind, `unused:${kind}`, `receive:${kind}`, String(this.#receiving.length));
    this.#receiving.push(transceiver);
  }

  /**
   * Both ends of every section, used or not: a transform that comes after the first negotiation is ignored.
   *
   * @param {RTCRtpTransceiver} transceiver @param {"audio"|"video"} kind @param {string} sender @param {string} receiver
   * @param {string} [slot]
   */
  #attach(transceiver, kind, sender, receiver, slot = "") {
    const { transforms, id, codecs } = this.#options;
    transforms.attach(transceiver.sender, id, sender, slot);
    transforms.attach(transceiver.receiver, id, receiver, slot);
    const capabilities = kind === "video" ? RTCRtpReceiver.getCapabilities(kind) : null;
    if (capabilities) transceiver.setCodecPreferences?.(prefer_codecs(capabilities.codecs, codecs));
  }

  /** @param {Slot} slot @param {MediaStreamTrack|null} track @returns {RTCRtpEncodingParameters[]} */
  #encodings(slot, track) {
    if (slot === "audio") return [{}];
    if (slot === "screen") return [{ ...SCREEN_ENCODING, active: !this.#warm }];
    const capture = track && capture_size(track);
    this.#layers = layer_count(capture, this.#options.layers.length);
    return camera_encodings(this.#options.layers, capture, this.#warm ? 1 : undefined);
  }

  /** Another camera may be smaller than the first. @param {RTCRtpSender} sender @param {MediaStreamTrack} track */
  async #fit_layers(sender, track) {
    const wanted = new Map(this.#encodings("video", track).map((encoding) => [encoding.rid, encoding]));
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings ?? []) Object.assign(encoding, wanted.get(encoding.rid ?? ""));
    await sender.setParameters(parameters);
  }
}

/** @param {MediaStreamTrack} track @returns {{width: number, height: number}|null} */
function capture_size(track) {
  const { width, height } = track.getSettings();
  return width && height ? { width, height } : null;
}
