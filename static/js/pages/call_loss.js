// The banner over the picture when somebody is not heard any more, with the number to call instead (CLIN-3), and the one
// that says why a visit has no sound and picture at all.

import { announce, find, show, write } from "./dom.js";
import { has_text, t } from "./texts.js";

/**
 * @typedef {import("./call_view.js").Person} Person
 * @typedef {object} Situation
 * @property {import("../lib/rescue.js").RescueStep|null} step what is tried now
 * @property {{state: string, route: string}} path
 * @property {Person[]} people the others
 * @property {string} clinic_phone
 * @property {boolean} group three or more: the connection is one to the clinic's server
 * @property {Person|null} away the person this visit is about, whose connection is interrupted while ours stands
 * @property {{code: string, text: string}|null} refusal
 */

export class LossBanner {
  #was_lost = false;
  /** @type {string|null} */
  #step = null;
  #refused = "";

  /** @param {HTMLElement} root @param {"patient"|"practitioner"} viewer */
  constructor(root, viewer) {
    this.root = root;
    this.viewer = viewer;
  }

  /** @param {Situation} now @returns {boolean} whether our own connection is lost */
  draw(now) {
    this.#draw_refusal(now.refusal, now.clinic_phone);
    const lost = now.refusal === null && now.people.length > 0 && (now.path.state === "lost" || now.path.state === "failed");
    const banner = lost || (now.refusal === null && now.away !== null);
    this.root.dataset.lost = String(lost);
    if (banner) this.#write(now, lost);
    show(this.root, "loss", banner);
    if (lost !== this.#was_lost) {
      const phone = this.#phone(now)?.spoken ?? "";
      announce(lost ? `${this.#title(now, lost)}. ${phone}` : t("call_said_back"), { now: true });
    }
    // The first step goes without saying: the loss itself was said just now.
    if (lost && this.#was_lost && now.step && now.step !== this.#step) announce(t(`call_rescue_${now.step}`));
    this.#step = now.step;
    this.#was_lost = lost;
    return lost;
  }

  /** @param {Situation} now @param {boolean} lost */
  #title({ people, group, away }, lost) {
    if (lost && group) return t("call_loss_title_server");
    return t("call_loss_title", { name: (lost ? people[0] : away)?.name ?? "" });
  }

  /** @param {Situation} now @param {boolean} lost */
  #write(now, lost) {
    const what = !lost ? "away" : now.path.state === "failed" ? (now.group ? "failed_server" : "failed") : "loss";
    write(this.root, "loss_title", this.#title(now, lost));
    write(this.root, "loss_body", t(`call_${what}_body_${this.viewer}`));
    write(this.root, "loss_step", lost && now.step ? t(`call_rescue_${now.step}`) : "");
    this.#write_phone("loss_phone", this.#phone(now));
  }

  /** Whom to call instead: the practice for a patient, the call-back number for the practitioner. @param {Situation} now */
  #phone({ people, clinic_phone }) {
    const called = people.find((person) => person.details?.callback_number);
    const number = this.viewer === "patient" ? clinic_phone : called?.details?.callback_number;
    if (!number) return null;
    const label = t(`call_loss_phone_${this.viewer}`, { name: called?.name ?? people[0]?.name ?? "" });
    return { number, label, spoken: `${label} ${number}` };
  }

  /** @param {{code: string, text: string}|null} refusal @param {string} clinic_phone */
  #draw_refusal(refusal, clinic_phone) {
    show(this.root, "refusal", refusal !== null);
    this.root.dataset.refused = String(refusal !== null);
    if (!refusal) {
      this.#refused = "";
      return;
    }
    const known = has_text(`call_refused_${refusal.code}`) ? refusal.code : "other";
    const body = t(`call_refused_${known}_${this.viewer}`, { reason: refusal.text });
    write(this.root, "refusal_title", t(`call_refused_${known}`));
    write(this.root, "refusal_body", body);
    const number = this.viewer === "patient" ? clinic_phone : "";
    this.#write_phone("refusal_phone", number ? { number, label: t("call_loss_phone_patient") } : null);
    if (this.#refused !== refusal.code) announce(`${t(`call_refused_${known}`)}. ${body}`);
    this.#refused = refusal.code;
  }

  /** @param {string} part @param {{number: string, label: string}|null} phone */
  #write_phone(part, phone) {
    show(this.root, part, phone !== null);
    if (!phone) return;
    write(this.root, `${part}_label`, phone.label);
    const link = find(this.root, `[data-link=${part}]`, HTMLAnchorElement);
    link.textContent = phone.number;
    link.href = `tel:${phone.number.replace(/[^+\d]/g, "")}`;
  }
}
