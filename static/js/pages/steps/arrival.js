// Step 1: who the visit is with and when. One button; only its click redeems the link (mail scanners do not click).

import { announce, find_button, find_html, focus_on, set_busy, show, write } from "../dom.js";
import { ServerError } from "../server.js";
import { t } from "../texts.js";
import { unlock_sound } from "./sounds.js";
import { describe_times, format_day, format_time, own_zone } from "./visit_times.js";

/** @typedef {import("../join.js").Path} Path */

const CHECK_CLOCK_MS = 5000;

export class ArrivalStep {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {HTMLElement} section @param {Path} path */
  constructor(section, path) {
    this.section = section;
    this.path = path;
    this.button = find_button(section, "[data-action=join]");
    this.button.addEventListener("click", () => { void this.#join(); });
  }

  enter() {
    const visit = this.path.visit;
    if (!visit) return;
    const practitioner = visit.practitioner;
    show(this.section, "practitioner", practitioner !== null);
    show(this.section, "team", practitioner === null);
    write(this.section, "practitioner_name", practitioner?.name ?? "");
    write(this.section, "practitioner_registration", practitioner?.registration ?? "");
    const times = describe_times(visit);
    write(this.section, "visit_day", times.day);
    write(this.section, "visit_time", times.time);
    write(this.section, "visit_zone", times.zone);
    show(this.section, "visit_type", Boolean(visit.visit_type));
    write(this.section, "visit_type", visit.visit_type ?? "");
    const { is_guest, role } = this.path;
    show(this.section, "guest", is_guest);
    if (is_guest) {
      write(this.section, "guest", t(`guest_${role}`));
      write(this.section, "prepare", t("prepare_guest", { name: practitioner?.name || t("your_doctor") }));
    }
    this.#check_open();
    this.#timer = setInterval(() => this.#check_open(), CHECK_CLOCK_MS);
  }

  leave() {
    clearInterval(this.#timer);
  }

  /** Early: the button waits, says until when, and opens by itself. */
  #check_open() {
    const visit = this.path.visit;
    if (!visit) return;
    const opens = new Date(visit.opens_at);
    const early = !this.path.code && this.path.clock.now_ms() < opens.getTime();
    const was_early = this.button.getAttribute("aria-disabled") === "true";
    this.button.setAttribute("aria-disabled", String(early));
    show(this.section, "early", early);
    if (early) {
      const zone = own_zone();
      const today = format_day(opens, zone) === format_day(new Date(this.path.clock.now_ms()), zone);
      write(this.section, "early", t(today ? "early_today" : "early_other_day", { time: format_time(opens, zone), day: format_day(opens, zone) }));
    } else if (was_early) {
      announce(t("early_open_now"));
    }
  }

  async #join() {
    if (this.button.getAttribute("aria-disabled") === "true" || this.button.hasAttribute("aria-busy")) return;
    unlock_sound();
    set_busy(this.button, true);
    show(this.section, "error", false);
    try {
      await this.path.redeem();
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (this.path.show_trouble_of(error)) return;
      write(this.section, "error", error.message);
      show(this.section, "error", true);
      focus_on(find_html(this.section, "[data-part=error]"));
    } finally {
      set_busy(this.button, false);
    }
  }
}
