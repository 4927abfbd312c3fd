// The waiting room: one sentence, the time, the person's own picture; nothing moves. The page hears over the call's
// signaling when it is their turn, and it never learns anything about anybody else who waits.

import { announce, find_button, find_html, show, write } from "../dom.js";
import { ServerError } from "../server.js";
import { t } from "../texts.js";
import { DeviceChoice } from "./device_choice.js";
import { drop_own_picture, render_own_picture } from "./own_picture.js";
import { play_chime, unlock_sound } from "./sounds.js";
import { format_time, own_zone } from "./visit_times.js";

/** @typedef {import("../join.js").Path} Path */

const CLOCK_MS = 5000;
/** A lost connection is told after this long: most gaps are shorter and would only alarm. */
const TELL_LOSS_AFTER_MS = 3000;

export class WaitingStep {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #loss_timer;
  #present = false;

  /** @param {HTMLElement} section @param {Path} path */
  constructor(section, path) {
    this.section = section;
    this.path = path;
    this.choice = new DeviceChoice(section, path.media);
    const sound = find_button(section, "[data-action=sound]");
    sound.addEventListener("click", () => {
      unlock_sound();
      // The context may need a moment to start on the first tap.
      if (!play_chime()) setTimeout(play_chime, 300);
    });
    find_button(section, "[data-action=allow_camera]").addEventListener("click", () => {
      unlock_sound();
      void (path.media.camera === "off" ? path.media.open_camera() : path.media.open());
    });
    path.media.addEventListener("change", () => { if (this.#present) this.#render_media(); });
  }

  enter() {
    this.#present = true;
    write(this.section, "waiting_known", t("waiting_telling"));
    this.#render_clock();
    this.#clock = setInterval(() => this.#render_clock(), CLOCK_MS);
    this.#render_media();
    document.title = t("title_waiting", { clinic: this.path.visit?.clinic.name ?? "" });
    void this.path.wake_lock.hold().then((awake) => { if (this.#present) show(this.section, "resting", !awake); });
    void this.path.media.open();
    void this.#arrive();
  }

  leave() {
    this.#present = false;
    clearInterval(this.#clock);
    this.connected(true);
    drop_own_picture(this.section);
    document.title = t("title_page");
  }

  /** Tells the practitioner that the person is here; tries again until the server has heard it. */
  async #arrive() {
    while (this.#present) {
      try {
        const state = await this.path.post("wait", {});
        if (!this.#present) return;
        if (state.step === "waiting") {
          const practitioner = state.visit.practitioner?.name;
          write(this.section, "waiting_known", practitioner ? t("waiting_known", { name: practitioner }) : t("waiting_known_team"));
          this.connected(true);
          this.path.open_call();
        }
        else this.path.advance(state);
        return;
      } catch (error) {
        if (!(error instanceof ServerError)) throw error;
        if (this.path.show_trouble_of(error)) return;
        this.connected(false);
        await new Promise((done) => setTimeout(done, 4000));
      }
    }
  }

  /** The signaling socket is open, or not. @param {boolean} connected */
  connected(connected) {
    clearTimeout(this.#loss_timer);
    if (connected) show(this.section, "no_signal", false);
    else if (this.#present) this.#loss_timer = setTimeout(() => show(this.section, "no_signal", navigator.onLine), TELL_LOSS_AFTER_MS);
  }

  /** It is their turn. */
  admitted() {
    document.title = t("title_admitted");
    announce(t("said_admitted", { name: this.path.visit?.practitioner?.name ?? t("your_doctor") }), { now: true });
    navigator.vibrate?.([200, 100, 200]);
    play_chime();
  }

  #render_clock() {
    const visit = this.path.visit;
    if (!visit) return;
    const zone = own_zone();
    const now_ms = this.path.clock.now_ms();
    const starts = new Date(visit.starts_at);
    write(this.section, "waiting_clock", t("waiting_clock", { now: format_time(new Date(now_ms), zone) }));
    const minutes_late = Math.floor((now_ms - starts.getTime()) / 60_000);
    const key = minutes_late >= 10 ? "waiting_start_late" : minutes_late >= 0 ? "waiting_start_now" : "waiting_start";
    write(this.section, "waiting_start", t(key, { start: format_time(starts, zone) }));
  }

  #render_media() {
    const { media } = this.path;
    render_own_picture(this.section, media);
    this.choice.render();
    const closed = media.camera !== "ok" && media.camera !== "asking";
    show(this.section, "allow_camera", closed || (media.microphone !== "ok" && media.microphone !== "asking"));
    find_html(this.section, "[data-action=allow_camera] span").textContent = t(closed ? "turn_on_camera" : "turn_on_microphone");
  }
}
