/**
 * What this person sends: the microphone, the camera and the screen, muted or not.
 *
 * Emits "track" ({slot, track}) when a slot has another track to send, and "change" (MediaState) when the peer has to
 * be told. The stream given to `use` is kept up to date, so a preview bound to it follows by itself.
 *
 * @import { MediaState } from "../lib/media_state.js"
 * @import { Slot } from "./peer_connection.js"
 */

import { capture_screen, open_device } from "./devices.js";

export class LocalMedia extends EventTarget {
  /** @type {MediaStream|null} */
  #stream = null;
  /** @type {MediaStreamTrack|null} */
  #screen = null;
  /** @type {WeakSet<MediaStreamTrack>} */
  #watched = new WeakSet();
  #wanted = { mic: true, camera: true };
  /** 0: not up. */
  #hand_at_ms = 0;

  /** @param {MediaStream|null} stream null when the person joins without camera and microphone */
  use(stream) {
    this.#stream = stream;
    if (!stream) return;
    for (const track of stream.getTracks()) this.#watch(track);
    this.#wanted = { mic: this.#track("audio")?.enabled ?? true, camera: this.#track("video")?.enabled ?? true };
    this.#tell("track", { slot: "audio", track: this.#track("audio") });
    this.#tell("track", { slot: "video", track: this.#track("video") });
    this.#tell("change", this.state);
  }

  get stream() {
    return this.#stream;
  }

  /** @returns {Record<Slot, MediaStreamTrack|null>} */
  get tracks() {
    return { audio: this.#track("audio"), video: this.#track("video"), screen: this.#screen };
  }

  /** @returns {MediaState} */
  get state() {
    const { audio, video, screen } = this.tracks;
    const sends = [];
    if (audio) sends.push("audio");
    if (video) sends.push("video");
    return {
      mic: audio?.enabled === true,
      camera: video?.enabled === true,
      screen: screen !== null,
      hand: this.#hand_at_ms > 0,
      hand_at_ms: this.#hand_at_ms,
      sends,
    };
  }

  /** @param {"mic"|"camera"} what @param {boolean} on */
  enable(what, on) {
    this.#wanted[what] = on;
    const track = this.#track(what === "mic" ? "audio" : "video");
    if (track) track.enabled = on;
    this.#tell("change", this.state);
  }

  /** @param {number} at_ms by the server's clock; 0 takes it down */
  raise_hand(at_ms) {
    this.#hand_at_ms = at_ms;
    this.#tell("change", this.state);
  }

  /**
   * Opens another device and sends it in place of the old one. The old one goes on when the new one cannot be opened.
   *
   * @param {"audioinput"|"videoinput"} kind
   * @param {string} device_id
   * @returns {Promise<MediaStreamTrack>} rejects with DeviceError
   */
  async switch_device(kind, device_id) {
    const track = await open_device(kind, device_id);
    const slot = kind === "audioinput" ? "audio" : "video";
    const old = this.#track(slot);
    track.enabled = this.#wanted[slot === "audio" ? "mic" : "camera"];
    this.#watch(track);
    this.#stream ??= new MediaStream();
    this.#stream.addTrack(track);
    this.#tell("track", { slot, track });
    if (old) {
      this.#stream.removeTrack(old);
      old.stop();
    }
    this.#tell("change", this.state);
    return track;
  }

  /** @param {boolean} on @returns {Promise<MediaStreamTrack|null>} rejects with DeviceError; null when it is off */
  async share_screen(on) {
    if (!on) {
      this.#screen?.stop();
      this.#set_screen(null);
      return null;
    }
    if (this.#screen) return this.#screen;
    const track = await capture_screen();
    // The browser's own "stop sharing" bar.
    track.addEventListener("ended", () => {
      if (this.#screen === track) this.#set_screen(null);
    });
    this.#set_screen(track);
    return track;
  }

  /** Switches camera, microphone and screen off for good. */
  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#screen?.stop();
    this.#screen = null;
  }

  /** @param {MediaStreamTrack|null} track */
  #set_screen(track) {
    this.#screen = track;
    this.#tell("track", { slot: "screen", track });
    this.#tell("change", this.state);
  }

  /** @param {"audio"|"video"} slot */
  #track(slot) {
    const tracks = slot === "audio" ? this.#stream?.getAudioTracks() : this.#stream?.getVideoTracks();
    return tracks?.find((track) => track.readyState === "live") ?? null;
  }

  /** A device that is pulled out ends its track. @param {MediaStreamTrack} track */
  #watch(track) {
    if (this.#watched.has(track)) return;
    this.#watched.add(track);
    const slot = track.kind === "audio" ? "audio" : "video";
    track.addEventListener("ended", () => {
      if (!this.#stream?.getTracks().includes(track)) return;
      this.#tell("track", { slot, track: this.#track(slot) });
      this.#tell("change", this.state);
      this.#tell("device-lost", { kind: slot === "audio" ? "audioinput" : "videoinput" });
    });
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
