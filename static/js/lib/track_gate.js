/**
 * Which tracks of a new path play, so that each takes over by itself when it does. Pure: readings go in.
 *
 * @import { StreamRates } from "./stats_math.js"
 */

const FRAMES_NEEDED = 5;
/** Who is asked for no picture or sound now will not run, and must not keep the old path for it. */
const PATIENCE_MS = 1500;

export class TrackGate {
  /** @type {Map<string, {audio: boolean, frames: number}>} */
  #waiting;
  #until_ms;

  /** @param {string[]} names of streams, ending in ":audio" for sound @param {number} now_ms */
  constructor(names, now_ms) {
    this.#waiting = new Map(names.map((name) => [name, { audio: name.endsWith(":audio"), frames: 0 }]));
    this.#until_ms = now_ms + PATIENCE_MS;
  }

  get open() {
    return this.#waiting.size === 0;
  }

  /**
   * @param {Record<string, StreamRates>} streams
   * @param {number} now_ms
   * @returns {string[]} those that may take over now; each is named once
   */
  take(streams, now_ms) {
    const ready = [];
    for (const [name, waiting] of this.#waiting) {
      const { samples = 0, concealed = null, frames = 0 } = streams[name] ?? {};
      waiting.frames += frames;
      const plays = waiting.audio ? samples > 0 && (concealed ?? 0) < 0.5 : frames > 0 && waiting.frames >= FRAMES_NEEDED;
      if (!plays && now_ms < this.#until_ms) continue;
      ready.push(name);
      this.#waiting.delete(name);
    }
    return ready;
  }
}
