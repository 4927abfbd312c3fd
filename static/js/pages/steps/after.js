// After the visit: what was decided, what happens next, what the person agreed to and how to take it back.

import { announce, find, find_button, find_html, set_busy, show, write } from "../dom.js";
import { ServerError } from "../server.js";
import { has_text, t } from "../texts.js";
import { AfterRecordings } from "./after_recordings.js";
import { unbroken } from "./phone.js";

/**
 * @typedef {import("../join.js").Path} Path
 * @typedef {{purpose: string, title: string, language: string, decision: "granted"|"refused"|"withdrawn"}} Capture
 */

// Who left may come back for some minutes; until then the page looks whether the visit has ended meanwhile.
const LOOK_EVERY_MS = 10_000;

export class AfterStep {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} section @param {Path} path */
  constructor(section, path) {
    this.section = section;
    this.path = path;
    this.recordings = new AfterRecordings(section, () => { void this.#draw_anew(); });
    this.back = find_button(section, "[data-action=return]");
    this.withdraw = find_button(section, "[data-action=withdraw]");
    this.back.addEventListener("click", () => { void this.#return(); });
    this.withdraw.addEventListener("click", () => { void this.#withdraw(); });
  }

  enter() {
    const { state, visit } = this.path;
    const ended = this.path.visit_ended;
    const outcome = state?.outcome ?? "";
    const practitioner = visit?.practitioner?.name;
    write(this.section, "after_title", t(ended ? "after_title_ended" : "after_title_left"));
    write(this.section, "after_thanks", ended ? (practitioner ? t("after_thanks", { name: practitioner }) : t("after_thanks_team")) : t("after_left"));
    // What was decided is between the patient and the practice.
    const decided = ended && !this.path.is_guest && has_text(`outcome_${outcome}`);
    show(this.section, "decided", decided);
    if (decided) {
      write(this.section, "after_outcome", t(`outcome_${outcome}`));
      write(this.section, "after_next", has_text(`next_${outcome}`) ? t(`next_${outcome}`, { phone: unbroken(visit?.clinic.phone ?? "") }) : "");
    }
    const until_ms = state?.may_return_until ? new Date(state.may_return_until).getTime() : Infinity;
    const may_return = !ended && this.path.clock.now_ms() < until_ms;
    show(this.section, "return", may_return);
    clearTimeout(this.#timer);
    if (may_return) this.#timer = setTimeout(() => { void this.#look(); }, LOOK_EVERY_MS);
    const decision = state?.consent?.decision ?? null;
    show(this.section, "consents", decision === "granted" || decision === "withdrawn");
    show(this.section, "withdraw", decision === "granted");
    show(this.section, "withdrawn", decision === "withdrawn");
    write(this.section, "after_consent", state?.consent?.title ?? "");
    this.#draw_captures();
    if (ended && state) void this.recordings.load(this.path.seat_url("after"));
  }

  async #draw_anew() {
    await this.path.refresh();
    this.#draw_captures();
  }

  /** What was said about being recorded and the like; each yes can be taken back with one press. */
  #draw_captures() {
    const said = this.path.state?.consents ?? [];
    show(this.section, "captures", said.length > 0);
    const template = find(this.section, "template[data-part=capture]", HTMLTemplateElement);
    find_html(this.section, "[data-list=captures]").replaceChildren(...said.map((one) => {
      const item = /** @type {HTMLElement} */ (template.content.cloneNode(true)).querySelector("li");
      if (!item) throw new Error("the page lacks a line of captures");
      write(item, "capture_title", one.title);
      write(item, "capture_state", t(`after_capture_${one.decision}`));
      write(item, "capture_back", t("after_capture_back", { what: one.title }));
      show(item, "capture_back", one.decision === "granted");
      const button = find_button(item, "[data-action=withdraw_capture]");
      button.onclick = () => { void this.#withdraw_capture(one.purpose, button); };
      return item;
    }));
  }

  /** @param {string} purpose @param {HTMLButtonElement} button */
  async #withdraw_capture(purpose, button) {
    if (button.hasAttribute("aria-busy")) return;
    set_busy(button, true);
    show(this.section, "capture_error", false);
    try {
      await this.path.post("withdraw", { purpose });
      this.#draw_captures();
      void this.recordings.load(this.path.seat_url("after"));
      announce(t("after_capture_withdrawn"));
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      write(this.section, "capture_error", error.message);
      show(this.section, "capture_error", true);
    } finally {
      set_busy(button, false);
    }
  }

  leave() {
    clearTimeout(this.#timer);
  }

  async #look() {
    const state = await this.path.refresh().catch(() => null);
    if (this.section.hidden) return;
    this.path.visit_ended ||= Boolean(state?.outcome);
    this.enter();
    if (this.path.visit_ended) announce(t("after_title_ended"));
  }

  async #return() {
    if (this.back.hasAttribute("aria-busy")) return;
    set_busy(this.back, true);
    try {
      this.path.rejoin(await this.path.post("wait", {}));
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (!this.path.show_trouble_of(error)) this.path.trouble("server", error.message);
    } finally {
      set_busy(this.back, false);
    }
  }

  async #withdraw() {
    const consent = this.path.state?.consent;
    if (!consent || this.withdraw.hasAttribute("aria-busy")) return;
    set_busy(this.withdraw, true);
    show(this.section, "error", false);
    try {
      await this.path.post("consent", { purpose: consent.purpose, version: consent.version, decision: "refused", capacity: "self" });
      show(this.section, "withdraw", false);
      show(this.section, "withdrawn", true);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      write(this.section, "error", error.message);
      show(this.section, "error", true);
    } finally {
      set_busy(this.withdraw, false);
    }
  }
}
