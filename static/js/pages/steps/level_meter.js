// The microphone's level as a bar that moves when the person speaks, and a word when nothing arrives for five seconds.

import { MicrophoneMeter } from "../../call/devices.js";

const INTERVAL_MS = 80;
const HEARD_ABOVE = 0.3;

/** Fires "heard" once per track, "silent" and "sound" on each change. */
export class LevelMeter extends EventTarget {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {MicrophoneMeter | null} */
  #meter = null;
  /** @type {MediaStreamTrack | null} */
  #track = null;

  /** @param {HTMLElement} bar its width follows the custom property --level, 0 to 1 */
  constructor(bar) {
    super();
    this.bar = bar;
  }

  /** @param {MediaStreamTrack | null} track */
  watch(track) {
    if (track === this.#track) return;
    this.stop();
    this.#track = track;
    if (!track) return;
    const meter = new MicrophoneMeter(track, { silent_after_ms: 5000 });
    this.#meter = meter;
    let was_silent = false;
    let heard = false;
    let shown = 0;
    this.#timer = setInterval(() => {
      const { level, silent, running } = meter.read(performance.now());
      // A context that waits for a tap measures nothing: that is not the microphone's silence.
      if (!running) return void meter.resume().catch(() => {});
      // Up at once, down slowly: speech is a row of short peaks and a nervous bar is hard to read.
      shown = Math.max(level, shown * 0.82);
      this.bar.style.setProperty("--level", shown.toFixed(3));
      if (!heard && level > HEARD_ABOVE) {
        heard = true;
        this.dispatchEvent(new Event("heard"));
      }
      if (silent !== was_silent) {
        was_silent = silent;
        this.dispatchEvent(new Event(silent ? "silent" : "sound"));
      }
    }, INTERVAL_MS);
  }

  stop() {
    clearInterval(this.#timer);
    void this.#meter?.close();
    this.#meter = null;
    this.#track = null;
    this.bar.style.setProperty("--level", "0");
  }
}
