/**
 * Saves a text a moment after the last key, one request at a time, and again with growing pauses until it is stored.
 * Pure: the owner gives `save`, timers and the clock, and shows the state.
 *
 * @typedef {"saved"|"unsaved"|"saving"|"failed"} SaveState
 */
import { backoff_ms } from "./backoff.js";

export class Autosave {
  #text;
  #stored;
  /** @type {unknown} */
  #timer = null;
  #running = false;
  #failures = 0;
  /** @type {SaveState} */
  #state = "saved";

  /**
   * @param {object} options
   * @param {(text: string) => Promise<unknown>} options.save rejects when the text was not stored
   * @param {(state: SaveState, error?: unknown) => void} options.on_state
   * @param {string} [options.text] what the server holds already
   * @param {number} [options.pause_ms] quiet time after a key before saving
   * @param {(run: () => void, delay_ms: number) => unknown} [options.set_timer]
   * @param {(timer: any) => void} [options.clear_timer]
   * @param {() => number} [options.random]
   */
  constructor({
    save, on_state, text = "", pause_ms = 1200, random = Math.random,
    // Not the bare functions: browsers refuse to run them as methods of another object.
    set_timer = (run, delay_ms) => setTimeout(run, delay_ms), clear_timer = (timer) => clearTimeout(timer),
  }) {
    this.save = save;
    this.on_state = on_state;
    this.pause_ms = pause_ms;
    this.set_timer = set_timer;
    this.clear_timer = clear_timer;
    this.random = random;
    this.#text = text;
    this.#stored = text;
  }

  /** Whether everything typed is stored. */
  get is_safe() {
    return this.#text === this.#stored && !this.#running;
  }

  get state() {
    return this.#state;
  }

  /** @param {string} text */
  type(text) {
    this.#text = text;
    if (this.#running) return;
    if (text === this.#stored) {
      this.#stop_timer();
      if (this.#state !== "saved") this.#tell("saved");
      return;
    }
    this.#tell("unsaved");
    this.#schedule(this.pause_ms);
  }

  /** Saves now what is not stored, for example when the network is back or the page is left. */
  async flush() {
    this.#stop_timer();
    if (this.#running || this.#text === this.#stored) return;
    const text = this.#text;
    this.#running = true;
    this.#tell("saving");
    try {
      await this.save(text);
      this.#stored = text;
      this.#failures = 0;
    } catch (error) {
      this.#running = false;
      this.#failures += 1;
      this.#tell("failed", error);
      this.#schedule(backoff_ms(this.#failures, { random: this.random }));
      return;
    }
    this.#running = false;
    this.#tell("saved");
    if (this.#text !== this.#stored) this.type(this.#text);
  }

  /** @param {number} delay_ms */
  #schedule(delay_ms) {
    this.#stop_timer();
    this.#timer = this.set_timer(() => { this.#timer = null; void this.flush(); }, delay_ms);
  }

  #stop_timer() {
    if (this.#timer !== null) this.clear_timer(this.#timer);
    this.#timer = null;
  }

  /** @param {SaveState} state @param {unknown} [error] */
  #tell(state, error) {
    this.#state = state;
    this.on_state(state, error);
  }
}
