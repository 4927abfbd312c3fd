/**
 * Cameras, microphones and speakers of this device, with failures named so that a page can explain them.
 *
 * @typedef {"blocked"|"missing"|"busy"|"insecure"|"cancelled"|"failed"} DeviceErrorKind
 *   blocked: the person, the browser or the system says no; missing: there is none; busy: another program has it;
 *   insecure: not on https; cancelled: the person closed the screen chooser
 */

import { level_dbfs, meter_fraction, SilenceDetector } from "../lib/levels.js";

/** 720p at 30 frames when the camera can; `ideal` never fails, `exact` would. */
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
/** Firefox never starts an AudioContext without a sound card, and the promise of resume never settles. */
const SPEAKER_STARTS_WITHIN_MS = 3000;

export class DeviceError extends Error {
  /** @param {DeviceErrorKind} kind @param {unknown} [cause] */
  constructor(kind, cause) {
    super(kind, { cause });
    this.kind = kind;
  }
}

/** @type {Record<string, DeviceErrorKind>} */
const KINDS = {
  NotAllowedError: "blocked",
  SecurityError: "blocked",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** @param {unknown} error @returns {DeviceError} */
function named(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  return new DeviceError(KINDS[name] ?? "failed", error);
}

function media_devices() {
  if (!globalThis.isSecureContext || !navigator.mediaDevices) throw new DeviceError("insecure");
  return navigator.mediaDevices;
}

/**
 * Opens microphone and camera, asking the person once for both.
 *
 * @param {{audio?: boolean, video?: boolean, audio_id?: string, video_id?: string}} [wanted]
 * @returns {Promise<MediaStream>} rejects with DeviceError
 */
export async function open_media({ audio = true, video = true, audio_id, video_id } = {}) {
  try {
    return await media_devices().getUserMedia({
      audio: audio && { ...SOUND, ...(audio_id ? { deviceId: { exact: audio_id } } : {}) },
      video: video && { ...PICTURE, ...(video_id ? { deviceId: { exact: video_id } } : {}) },
    });
  } catch (error) {
    throw error instanceof DeviceError ? error : named(error);
  }
}

/**
 * @param {"audioinput"|"videoinput"} kind
 * @param {string} device_id
 * @returns {Promise<MediaStreamTrack>} rejects with DeviceError
 */
export async function open_device(kind, device_id) {
  const stream =
    kind === "audioinput"
      ? await open_media({ video: false, audio_id: device_id })
      : await open_media({ audio: false, video_id: device_id });
  const [track] = stream.getTracks();
  if (!track) throw new DeviceError("missing");
  return track;
}

/**
 * The devices by kind. Labels are empty until the person has allowed one of that kind.
 *
 * @returns {Promise<Record<"audioinput"|"videoinput"|"audiooutput", {id: string, label: string}[]>>}
 */
export async function list_devices() {
  /** @type {Record<MediaDeviceKind, {id: string, label: string}[]>} */
  const found = { audioinput: [], videoinput: [], audiooutput: [] };
  for (const { kind, deviceId, label } of await media_devices().enumerateDevices()) {
    if (deviceId) found[kind].push({ id: deviceId, label });
  }
  return found;
}

/** @param {() => void} listener called when a device is plugged in or out @returns {() => void} stops listening */
export function watch_devices(listener) {
  const devices = media_devices();
  devices.addEventListener("devicechange", listener);
  return () => devices.removeEventListener("devicechange", listener);
}

/** @returns {Promise<MediaStreamTrack>} rejects with DeviceError; closing the chooser is "cancelled" */
export async function capture_screen() {
  try {
    const stream = await media_devices().getDisplayMedia({ video: { frameRate: { ideal: 15 } }, audio: false });
    const [track] = stream.getVideoTracks();
    if (!track) throw new DeviceError("missing");
    // Text must stay sharp; the frame rate may drop.
    track.contentHint = "detail";
    return track;
  } catch (error) {
    if (error instanceof DeviceError) throw error;
    const failure = named(error);
    throw failure.kind === "blocked" ? new DeviceError("cancelled", error) : failure;
  }
}

/** Measures one microphone: a level for a meter, and whether it delivers only silence. */
export class MicrophoneMeter {
  #context = new AudioContext();
  #source;
  #analyser;
  #samples;
  #silence;

  /** @param {MediaStreamTrack} track @param {{silent_after_ms?: number}} [options] */
  constructor(track, options) {
    this.#silence = new SilenceDetector(options);
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#analyser = new AnalyserNode(this.#context, { fftSize: 2048 });
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source.connect(this.#analyser);
  }

  /**
   * Reads the last 40 ms or so. `silent` is only meaningful while `running`: a page that nobody has touched may not
   * process sound yet; call `resume` from a click.
   *
   * @param {number} now_ms
   * @returns {{level: number, dbfs: number, silent: boolean, running: boolean}} level 0 to 1
   */
  read(now_ms) {
    const running = this.#context.state === "running";
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const dbfs = level_dbfs(this.#samples);
    return { level: meter_fraction(dbfs), dbfs, silent: running && this.#silence.hear(dbfs, now_ms), running };
  }

  resume() {
    return this.#context.resume();
  }

  close() {
    this.#source.disconnect();
    return this.#context.close();
  }
}

/**
 * Plays two soft notes on a speaker.
 *
 * @param {string} [sink_id] of list_devices().audiooutput; the default speaker where browsers cannot choose
 * @returns {Promise<void>} resolves when they have ended; rejects with DeviceError
 */
export async function play_test_tone(sink_id) {
  const context = new AudioContext();
  try {
    if (sink_id && "setSinkId" in context) await /** @type {any} */ (context).setSinkId(sink_id);
    await Promise.race([context.resume(), new Promise((resolve) => { setTimeout(resolve, SPEAKER_STARTS_WITHIN_MS); })]);
    if (context.state !== "running") throw new DeviceError("missing");
    const volume = new GainNode(context, { gain: 0 });
    volume.connect(context.destination);
    const start_s = context.currentTime + 0.05;
    /** @type {OscillatorNode|undefined} */
    let last;
    for (const [index, frequency] of [523.25, 659.25].entries()) {
      const note_s = start_s + index * 0.45;
      last = new OscillatorNode(context, { frequency });
      last.connect(volume);
      // Ramps instead of steps: a step is a click, and clicks startle.
      volume.gain.setValueAtTime(0, note_s);
      volume.gain.linearRampToValueAtTime(0.25, note_s + 0.05);
      volume.gain.linearRampToValueAtTime(0, note_s + 0.4);
      last.start(note_s);
      last.stop(note_s + 0.42);
    }
    await new Promise((resolve) => last?.addEventListener("ended", resolve, { once: true }));
  } catch (error) {
    throw error instanceof DeviceError ? error : named(error);
  } finally {
    await context.close();
  }
}

/** Keeps the screen awake. Browsers drop the lock of a hidden page; it is taken again when the window has the focus. */
export class WakeLock {
  /** @type {WakeLockSentinel|null} */
  #lock = null;
  #wanted = false;
  #retake = () => {
    if (this.#wanted && (!this.#lock || this.#lock.released)) this.hold();
  };

  /** @returns {Promise<boolean>} false where the browser cannot or may not (low battery) */
  async hold() {
    this.#wanted = true;
    globalThis.addEventListener("focus", this.#retake);
    try {
      this.#lock = (await navigator.wakeLock?.request("screen")) ?? null;
    } catch {
      this.#lock = null;
    }
    return this.#lock !== null;
  }

  async release() {
    this.#wanted = false;
    globalThis.removeEventListener("focus", this.#retake);
    await this.#lock?.release();
    this.#lock = null;
  }
}
