// One tile per person in the visit, and one more while that person shows a screen. The grid knows no number of seats.

import { initials } from "../lib/initials.js";
import { tile_words } from "../lib/call_words.js";
import { find, find_html, show, write } from "./dom.js";
import { t } from "./texts.js";

/**
 * @typedef {{id: string, name: string, role: string, present: boolean, registration?: string}} TilePerson
 * @typedef {{path: string, camera: boolean, mic: boolean, screen: boolean}} TileState
 */

/** A picture without a new frame for this long is told to stand still; quality words speak up earlier. */
const STILL_AFTER_MS = 3000;
const WATCH_EVERY_MS = 500;

/** Fires "sound-blocked" when the browser holds sound back until a click, "frames" when a picture starts, stops or goes on. */
class Tile extends EventTarget {
  #stream = new MediaStream();
  #last_frame_ms = 0;
  #stands_still = false;
  /** @type {number} */
  #watch;

  /** @param {HTMLElement} element */
  constructor(element) {
    super();
    this.element = element;
    this.video = find(element, "video", HTMLVideoElement);
    this.video.srcObject = this.#stream;
    this.#count_frames();
    this.#watch = window.setInterval(() => this.#look_for_frames(), WATCH_EVERY_MS);
  }

  get has_picture() { return this.#last_frame_ms > 0; }
  get stands_still() { return this.#stands_still; }

  /** @param {MediaStreamTrack|null} track @param {"audio"|"video"} kind */
  set_track(track, kind) {
    for (const old of this.#stream.getTracks().filter((other) => other.kind === kind && other !== track)) this.#stream.removeTrack(old);
    if (track && !this.#stream.getTracks().includes(track)) this.#stream.addTrack(track);
    void this.play();
  }

  /** Plays with sound, or without it when the browser asks for a click first. */
  async play() {
    try {
      await this.video.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || this.video.muted) return;
      this.video.muted = true;
      this.dispatchEvent(new Event("sound-blocked"));
      await this.video.play().catch(() => {});
    }
  }

  /** Call in a click handler. */
  async allow_sound() {
    this.video.muted = false;
    await this.play();
  }

  /** @param {string} speaker_id */
  async set_speaker(speaker_id) {
    const video = /** @type {HTMLVideoElement & {setSinkId?: (id: string) => Promise<void>}} */ (this.video);
    await video.setSinkId?.(speaker_id).catch(() => {});
  }

  remove() {
    window.clearInterval(this.#watch);
    this.video.srcObject = null;
    this.element.remove();
  }

  #count_frames() {
    if (!("requestVideoFrameCallback" in this.video)) {
      // Without frame callbacks nothing can be said about standing still; a picture shows once it has a size.
      /** @type {HTMLVideoElement} */ (this.video).addEventListener("resize", () => { this.#last_frame_ms = Infinity; this.#tell(); });
      return;
    }
    const on_frame = () => {
      const first = this.#last_frame_ms === 0;
      this.#last_frame_ms = performance.now();
      if (first || this.#stands_still) {
        this.#stands_still = false;
        this.#tell();
      }
      this.video.requestVideoFrameCallback(on_frame);
    };
    this.video.requestVideoFrameCallback(on_frame);
    // A hidden page draws nothing: what it missed is not a fault of the connection.
    document.addEventListener("visibilitychange", () => { if (this.has_picture) this.#last_frame_ms = performance.now(); });
  }

  #look_for_frames() {
    if (!this.has_picture || this.#stands_still || document.visibilityState !== "visible") return;
    if (performance.now() - this.#last_frame_ms < STILL_AFTER_MS) return;
    this.#stands_still = true;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("frames"));
  }
}

/** Fires "sound-blocked" and "frames" of its tiles. */
export class TileGrid extends EventTarget {
  /** @type {Map<string, Tile>} */
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

  /** @param {string} person_id @param {"audio"|"video"|"screen"} slot @param {MediaStreamTrack|null} track */
  set_track(person_id, slot, track) {
    this.#tracks.set(`${person_id} ${slot}`, track);
    this.#give_tracks(person_id);
  }

  /**
   * Draws exactly these people.
   * @param {{person: TilePerson, state: TileState}[]} people
   */
  render(people) {
    const wanted = new Set();
    for (const { person, state } of people) {
      wanted.add(person.id);
      this.#render_person(this.#tile(person.id), person, state);
      if (!state.screen) continue;
      wanted.add(`${person.id} screen`);
      this.#render_screen(this.#tile(`${person.id} screen`), person, state);
    }
    for (const [key, tile] of this.#tiles) {
      if (wanted.has(key)) continue;
      tile.remove();
      this.#tiles.delete(key);
    }
    this.list.dataset.count = String(this.#tiles.size);
    this.list.dataset.screen = String(people.some(({ state }) => state.screen));
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
    const element = find_html(fragment, ".tile");
    const tile = new Tile(element);
    tile.addEventListener("sound-blocked", () => this.dispatchEvent(new Event("sound-blocked")));
    tile.addEventListener("frames", () => this.dispatchEvent(new Event("frames")));
    this.#tiles.set(key, tile);
    // The screen comes first: it is what everybody should look at.
    if (key.endsWith(" screen")) this.list.prepend(element);
    else this.list.append(element);
    if (this.#speaker_id) void tile.set_speaker(this.#speaker_id);
    this.#give_tracks(/** @type {string} */ (key.split(" ")[0]));
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

  /** @param {Tile} tile @param {TilePerson} person @param {TileState} state */
  #render_person(tile, person, state) {
    const { element } = tile;
    const words = tile_words({ ...state, present: person.present, has_picture: tile.has_picture, stands_still: tile.stands_still });
    element.dataset.participant = person.id;
    element.dataset.connection = words.connection;
    element.dataset.camera = state.camera ? "on" : "off";
    element.dataset.mic = state.mic ? "on" : "off";
    element.dataset.covered = String(words.cover !== null);
    tile.video.setAttribute("aria-label", person.name);
    write(element, "name", person.name);
    write(element, "registration", person.registration ?? "");
    show(element, "registration", Boolean(person.registration));
    write(element, "initials", initials(person.name));
    write(element, "cover", words.cover ? t(words.cover, { name: person.name }) : "");
    show(element, "frozen", words.frozen !== null);
    if (words.frozen) write(element, "frozen", t(words.frozen));
    const muted = words.connection === "live" && !state.mic;
    show(element, "muted", muted);
    write(element, "muted", t("call_peer_muted"));
  }

  /** @param {Tile} tile @param {TilePerson} person @param {TileState} state */
  #render_screen(tile, person, state) {
    const { element } = tile;
    const label = t("call_peer_screen", { name: person.name });
    const lost = state.path !== "connected";
    element.classList.add("tile--screen");
    element.dataset.connection = lost ? "lost" : "live";
    element.dataset.covered = "false";
    tile.video.dataset.testid = "remote-screen";
    tile.video.setAttribute("aria-label", label);
    write(element, "name", label);
    show(element, "frozen", lost);
    if (lost) write(element, "frozen", t("call_peer_frozen"));
  }
}
