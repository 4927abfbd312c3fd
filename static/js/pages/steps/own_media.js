// The person's own camera and microphone: asked for once, then kept from the device check through the waiting room into
// the visit (a second prompt confuses people, and Firefox and iOS would show one).

import { DeviceError, list_devices, open_device, open_media, watch_devices } from "../../call/devices.js";

/** @typedef {"ok"|"blocked"|"missing"|"busy"|"off"|"asking"|"unknown"} DeviceState */

/** @param {unknown} error @returns {DeviceState} */
function state_of_error(error) {
  if (!(error instanceof DeviceError)) throw error;
  if (error.kind === "blocked" || error.kind === "missing") return error.kind;
  return error.kind === "insecure" ? "missing" : "busy";
}

/** @typedef {Awaited<ReturnType<typeof list_devices>>} Devices */

/** Fires "change" whenever a state, a track or the list of devices is different. */
export class OwnMedia extends EventTarget {
  /** One stream for the life of the page; tracks come and go in it. */
  stream = new MediaStream();
  /** @type {DeviceState} */
  camera = "unknown";
  /** @type {DeviceState} */
  microphone = "unknown";
  /** @type {Devices} */
  devices = { audioinput: [], videoinput: [], audiooutput: [] };
  speaker_id = "";
  /** @type {Promise<void> | null} */
  #asking = null;

  constructor() {
    super();
    // Without a secure page there are no devices to watch; open() says so to the person.
    if (navigator.mediaDevices) watch_devices(() => { void this.#list_devices(); });
  }

  get video_track() {
    return this.stream.getVideoTracks().find((track) => track.readyState === "live") ?? null;
  }

  get audio_track() {
    return this.stream.getAudioTracks().find((track) => track.readyState === "live") ?? null;
  }

  /** Opens what is not open yet. Resolves when the person has answered; never rejects: the states tell. */
  open() {
    this.#asking ??= this.#open().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  /** Resolves when no question to the person is pending. */
  async settled() {
    await this.#asking;
  }

  async #open() {
    const want_camera = this.camera !== "off" && !this.video_track;
    const want_microphone = !this.audio_track;
    if (!want_camera && !want_microphone) return;
    if (want_camera) this.camera = "asking";
    if (want_microphone) this.microphone = "asking";
    this.#changed();
    if (want_camera && want_microphone) {
      // One question for both; when it fails, ask one by one to learn which of the two is at fault.
      const error = await this.#capture({});
      if (error !== null && state_of_error(error) === "blocked") {
        this.camera = this.microphone = "blocked";
      } else if (error !== null) {
        await this.#capture_one("microphone", { video: false });
        await this.#capture_one("camera", { audio: false });
      }
    } else if (want_camera) {
      await this.#capture_one("camera", { audio: false });
    } else {
      await this.#capture_one("microphone", { video: false });
    }
    await this.#list_devices();
  }

  /** @param {"camera"|"microphone"} kind @param {Parameters<typeof open_media>[0]} wanted */
  async #capture_one(kind, wanted) {
    const error = await this.#capture(wanted);
    if (error !== null) this[kind] = state_of_error(error);
  }

  /** @param {Parameters<typeof open_media>[0]} wanted @returns {Promise<unknown>} null when it worked */
  async #capture(wanted) {
    try {
      for (const track of (await open_media(wanted)).getTracks()) this.#adopt(track);
      return null;
    } catch (error) {
      return error;
    }
  }

  /** @param {MediaStreamTrack} track */
  #adopt(track) {
    const kind = track.kind === "video" ? "camera" : "microphone";
    for (const old of this.stream.getTracks().filter((other) => other.kind === track.kind)) {
      this.stream.removeTrack(old);
      old.stop();
    }
    this.stream.addTrack(track);
    this[kind] = "ok";
    // Unplugged, or taken back in the browser's settings. stop() of ours does not fire this.
    track.addEventListener("ended", () => {
      if (!this.stream.getTracks().includes(track)) return;
      this.stream.removeTrack(track);
      this[kind] = "missing";
      this.#changed();
    });
    this.#changed();
  }

  /**
   * Changes to another camera or microphone. The old one stays when the new one cannot be opened.
   * @param {"camera"|"microphone"} kind @param {string} device_id
   * @returns {Promise<boolean>}
   */
  async choose(kind, device_id) {
    const input = kind === "camera" ? "videoinput" : "audioinput";
    // Many phones cannot open two cameras at once: let the old one go first, come back to it if need be.
    const old = kind === "camera" ? this.video_track : null;
    const old_id = old?.getSettings().deviceId ?? "";
    old?.stop();
    try {
      this.#adopt(await open_device(input, device_id));
      return true;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (old_id) await open_device(input, old_id).then((track) => this.#adopt(track), () => {});
      return false;
    } finally {
      this.#changed();
    }
  }

  /** Turns the camera off until open_camera(): the light goes out. */
  close_camera() {
    for (const track of this.stream.getVideoTracks()) {
      this.stream.removeTrack(track);
      track.stop();
    }
    this.camera = "off";
    this.#changed();
  }

  open_camera() {
    if (this.camera === "off") this.camera = "unknown";
    return this.open();
  }

  /** Everything off, for the end of the visit. */
  close() {
    for (const track of this.stream.getTracks()) {
      this.stream.removeTrack(track);
      track.stop();
    }
    if (this.camera !== "off") this.camera = "unknown";
    this.microphone = "unknown";
    this.#changed();
  }

  async #list_devices() {
    this.devices = await list_devices().catch(() => this.devices);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
