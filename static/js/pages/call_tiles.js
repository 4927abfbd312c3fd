// One tile per person in the visit, and one more while that person shows a screen. It knows no number of seats, and not
// where the tiles stand: that is the stage's business (call_stage.js).

import { find_html } from "./dom.js";
import { Tile } from "./call_tile.js";

/**
 * @typedef {import("./call_tile.js").TilePerson} TilePerson
 * @typedef {import("./call_tile.js").TileState} TileState
 */

/** Fires "sound-blocked", "frames" and "shown" of its tiles, and "pin" (detail: the key of the tile that was pressed). */
export class TileGrid extends EventTarget {
  /** @type {Map<string, Tile>} by key: "<id>", or "<id> screen" */
  #tiles = new Map();
  /** @type {Map<string, MediaStreamTrack|null>} tracks that came before their person's tile */
  #tracks = new Map();
  #speaker_id = "";

  /** @param {HTMLElement} list @param {HTMLTemplateElement} template */
  constructor(list, template) {
    super();
    this.list = list;
    this.template = template;
  }

  get count() { return this.#tiles.size; }
  /** @returns {ReadonlyMap<string, Tile>} */
  get tiles() { return this.#tiles; }

  /** @param {string} person_id @param {"audio"|"video"|"screen"} slot @param {MediaStreamTrack|null} track */
  set_track(person_id, slot, track) {
    this.#tracks.set(`${person_id} ${slot}`, track);
    this.#give_tracks(person_id);
  }

  /**
   * Draws exactly these people.
   * @param {{person: TilePerson, state: TileState}[]} people in the order of the stage
   */
  render(people) {
    const wanted = new Set();
    for (const { person, state } of people) {
      for (const key of state.screen ? [person.id, `${person.id} screen`] : [person.id]) {
        wanted.add(key);
        this.#tile(key).render(person, state);
      }
    }
    for (const [key, tile] of this.#tiles) {
      if (wanted.has(key)) continue;
      tile.remove();
      this.#tiles.delete(key);
    }
    this.list.dataset.count = String(this.#tiles.size);
  }

  allow_sound() {
    for (const tile of this.#tiles.values()) void tile.allow_sound();
  }

  /** @param {string} speaker_id */
  set_speaker(speaker_id) {
    this.#speaker_id = speaker_id;
    for (const tile of this.#tiles.values()) void tile.set_speaker(speaker_id);
  }

  close() {
    this.render([]);
  }

  /** @param {string} key */
  #tile(key) {
    const known = this.#tiles.get(key);
    if (known) return known;
    const fragment = /** @type {DocumentFragment} */ (this.template.content.cloneNode(true));
    const tile = new Tile(key, find_html(fragment, ".tile"));
    for (const type of ["sound-blocked", "frames"]) tile.addEventListener(type, () => this.dispatchEvent(new Event(type)));
    tile.addEventListener("shown", (event) => this.dispatchEvent(new CustomEvent("shown", { detail: /** @type {CustomEvent} */ (event).detail })));
    tile.pin.addEventListener("click", () => this.dispatchEvent(new CustomEvent("pin", { detail: key })));
    this.#tiles.set(key, tile);
    // A screen comes first for whoever reads or tabs: it is what everybody should look at.
    if (tile.is_screen) this.list.prepend(tile.element);
    else this.list.append(tile.element);
    if (this.#speaker_id) void tile.set_speaker(this.#speaker_id);
    this.#give_tracks(tile.person_id);
    return tile;
  }

  /** @param {string} person_id */
  #give_tracks(person_id) {
    const track = (/** @type {string} */ slot) => this.#tracks.get(`${person_id} ${slot}`) ?? null;
    const person = this.#tiles.get(person_id);
    person?.set_track(track("audio"), "audio");
    person?.set_track(track("video"), "video");
    this.#tiles.get(`${person_id} screen`)?.set_track(track("screen"), "video");
  }
}
