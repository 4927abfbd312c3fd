/**
 * The path that was in use before, while both people move to the other one: it stays until nobody needs it, or for 5 s.
 *
 * @import { Held } from "./path_keeper.js"
 */

/** At the latest this long after the new path took over. */
const LEAVE_WITHIN_MS = 5000;
/** A page that does not say what it shows has it by then. */
const SHOWN_WITHIN_MS = 4000;

export class Leaving {
  /** Every track of the path in use was told. */
  announced = false;
  /** Something of the path in use is seen or heard. */
  begun = false;
  /** This page shows what comes over it. */
  moved = false;
  /** @type {Set<MediaStreamTrack>} told, and neither seen nor heard yet */
  #unshown = new Set();
  #began_ms;

  /** @param {Held} held @param {number} now_ms */
  constructor(held, now_ms) {
    this.held = held;
    this.#began_ms = now_ms;
  }

  /** @param {"audio"|"video"|"screen"} slot @param {MediaStreamTrack|null} track of the path in use */
  note_announced(slot, track) {
    // Between browsers there is always a line for a screen, used or not.
    if (track && slot !== "screen") this.#unshown.add(track);
  }

  /** @param {MediaStreamTrack} track */
  note_shown(track) {
    if (this.#unshown.delete(track)) this.begun = true;
  }

  /** @param {Held} used @param {number} now_ms @returns {boolean} true once: everything that is seen and heard comes over the path in use */
  moves(used, now_ms) {
    const shown = this.#unshown.size === 0 || now_ms - this.#began_ms >= SHOWN_WITHIN_MS;
    if (this.moved || !this.announced || !shown || !used.path.reaches(this.held.peer_id)) return false;
    this.moved = true;
    this.begun = true;
    return true;
  }

  /** @param {boolean} peer_moved the other page said so @param {number} now_ms @returns {boolean} whether nobody needs it any more */
  over(peer_moved, now_ms) {
    const gone = ["lost", "failed", "closed"].includes(this.held.path.report.state);
    return (this.moved && (peer_moved || gone)) || now_ms - this.#began_ms >= LEAVE_WITHIN_MS;
  }
}
