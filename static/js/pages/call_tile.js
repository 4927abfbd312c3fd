// One tile: the picture of one person, or the screen of one, with everything that must be known about it in words.

import { initials, without_title } from "../lib/initials.js";
import { tile_words } from "../lib/call_words.js";
import { Picture } from "./call_picture.js";
import { Sound } from "./call_sound.js";
import { find, find_button, show, write } from "./dom.js";
import { t } from "./texts.js";

/**
 * @typedef {{id: string, name: string, role: string, present: boolean, registration?: string}} TilePerson
 * @typedef {import("../lib/roster.js").PersonFacts & {path: string}} TileState
 */

/** A picture without a new frame for this long is told to stand still; quality words speak up earlier. */
const STILL_AFTER_MS = 3000;
const WATCH_EVERY_MS = 500;

/**
 * Fires "sound-blocked" when the browser holds sound back until a click, "frames" when a picture starts, stops or goes on,
 * "shown" (detail: the track) when a track is seen or heard.
 */
export class Tile extends EventTarget {
  #last_frame_ms = 0;
  #had_picture = false;
  #stands_still = false;
  /** @type {number} */
  #watch;

  /** @param {string} key @param {HTMLElement} element */
  constructor(key, element) {
    super();
    this.key = key;
    this.element = element;
    this.picture = new Picture(find(element, "video", HTMLVideoElement));
    this.sound = new Sound(element);
    this.pin = find_button(element, "[data-action=pin]");
    this.#count_frames();
    this.sound.addEventListener("blocked", () => this.dispatchEvent(new Event("sound-blocked")));
    for (const part of [this.picture, this.sound]) {
      part.addEventListener("shown", (event) => this.dispatchEvent(new CustomEvent("shown", { detail: /** @type {CustomEvent} */ (event).detail })));
    }
    this.#watch = window.setInterval(() => this.#look_for_frames(), WATCH_EVERY_MS);
  }

  get person_id() { return /** @type {string} */ (this.key.split(" ")[0]); }
  get video() { return this.picture.video; }
  get is_screen() { return this.key.endsWith(" screen"); }
  get has_picture() { return this.#last_frame_ms > 0; }
  get stands_still() { return this.#stands_still; }
  /** Height by width of what comes, or of what a camera sends usually. */
  get ratio() { return this.video.videoWidth > 0 ? this.video.videoHeight / this.video.videoWidth : 9 / 16; }

  /** @param {MediaStreamTrack|null} track @param {"audio"|"video"} kind */
  set_track(track, kind) {
    if (kind === "video" && !track) this.#last_frame_ms = 0;
    if (kind === "video") this.picture.set_track(track);
    else this.sound.set_track(track);
  }

  /** Call in a click handler. */
  allow_sound() {
    return this.sound.allow();
  }

  /** @param {string} speaker_id */
  set_speaker(speaker_id) {
    return this.sound.set_speaker(speaker_id);
  }

  remove() {
    window.clearInterval(this.#watch);
    this.picture.close();
    this.sound.close();
    this.element.remove();
  }

  /** @param {TilePerson} person @param {TileState} state */
  render(person, state) {
    this.element.dataset.participant = person.id;
    if (this.is_screen) this.#render_screen(person, state);
    else this.#render_person(person, state);
  }

  /** @param {{large: boolean, pinned: boolean, pinnable: boolean}} place */
  render_place({ large, pinned, pinnable }) {
    this.element.dataset.large = String(large);
    this.element.dataset.pinned = String(pinned);
    this.pin.hidden = !pinnable;
    this.pin.setAttribute("aria-pressed", String(pinned));
  }

  /** @param {TilePerson} person @param {TileState} state */
  #render_person(person, state) {
    const { element } = this;
    const withheld = this.has_picture ? this.#stands_still && state.height === 0 : !this.picture.has_track;
    const paused = this.#had_picture && withheld;
    const words = tile_words({ ...state, present: person.present, has_picture: this.has_picture, stands_still: this.#stands_still, paused });
    element.dataset.connection = words.connection;
    element.dataset.camera = state.camera ? "on" : "off";
    element.dataset.mic = state.mic ? "on" : "off";
    element.dataset.covered = String(words.cover !== null);
    element.dataset.speaking = String(state.speaking && words.connection === "live");
    this.video.setAttribute("aria-label", person.name);
    write(element, "name", person.name);
    write(element, "short_name", without_title(person.name));
    write(element, "role", t(`call_role_${person.role}`));
    write(element, "registration", person.registration ?? "");
    show(element, "registration", Boolean(person.registration));
    write(element, "initials", initials(person.name));
    write(element, "cover", words.cover ? t(words.cover, { name: person.name }) : "");
    write(element, "pin", t("call_pin", { name: person.name }));
    this.#render_frozen(words.frozen);
    const muted = words.connection === "live" && !state.mic;
    show(element, "muted", muted);
    write(element, "muted", t("call_peer_muted"));
    show(element, "hand", state.hand > 0);
    if (state.hand > 0) {
      write(element, "hand_place", String(state.hand));
      write(element, "hand", t("call_hand_place", { place: state.hand }));
    }
    const word = words.connection === "live" ? state.word : "";
    show(element, "tile_quality", word !== "");
    for (const quality of element.querySelectorAll("[data-part=tile_quality]")) if (quality instanceof HTMLElement) quality.dataset.word = word;
    if (word) write(element, "tile_quality", t(`call_quality_${word}`));
  }

  /** @param {TilePerson} person @param {TileState} state */
  #render_screen(person, state) {
    const { element } = this;
    const label = t("call_peer_screen", { name: person.name });
    const lost = state.path !== "connected";
    element.classList.add("tile--screen");
    element.dataset.connection = lost ? "lost" : "live";
    element.dataset.covered = "false";
    this.video.dataset.testid = "remote-screen";
    this.video.setAttribute("aria-label", label);
    write(element, "name", label);
    write(element, "short_name", label);
    write(element, "role", "");
    write(element, "pin", t("call_pin", { name: label }));
    this.#render_frozen(lost ? "call_peer_frozen" : null);
  }

  /** @param {string|null} key */
  #render_frozen(key) {
    show(this.element, "frozen", key !== null);
    if (!key) return;
    write(this.element, "frozen", t(key));
    write(this.element, "frozen_short", t(key === "call_peer_stands_still" ? "call_peer_still_short" : "call_peer_lost_short"));
  }

  #count_frames() {
    this.picture.addEventListener("frame", () => {
      const first = this.#last_frame_ms === 0;
      // Without frame callbacks nothing can be said about standing still.
      this.#last_frame_ms = Picture.counts_frames ? performance.now() : Infinity;
      this.#had_picture = true;
      if (first || this.#stands_still) {
        this.#stands_still = false;
        this.#tell();
      }
    });
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
