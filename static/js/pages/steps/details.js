// Step 2: who and where the person is now, and whom to call. The place is asked each time: a remembered one must be
// confirmed by hand before it counts (CLIN-1).

import { find, find_button, find_html, set_busy, show, write } from "../dom.js";
import { ServerError } from "../server.js";
import { t } from "../texts.js";
import { clear_errors, clear_mark, show_errors } from "./form_errors.js";
import { drop_draft, forget, keep_draft, read_draft, read_remembered, remember } from "./remembered.js";

/** @typedef {import("../join.js").Path} Path */

const FIELDS = /** @type {const} */ (["name", "location", "callback_number", "emergency_name", "emergency_phone"]);

export class DetailsStep {
  #filled = false;

  /** @param {HTMLElement} section @param {Path} path */
  constructor(section, path) {
    this.section = section;
    this.path = path;
    this.form = find(section, "form", HTMLFormElement);
    this.button = find_button(section, "[data-testid=details-continue]");
    this.known_place = "";
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
    this.form.addEventListener("input", (event) => clear_mark(event.target));
    this.form.addEventListener("input", () => keep_draft(this.path.code, { ...this.#read(), place: this.#place }));
    this.form.addEventListener("change", () => this.#ask_place());
  }

  /** What this person is asked; help must find the patient, the others are named. @returns {readonly (typeof FIELDS)[number][]} */
  get #asked() {
    return this.path.is_guest ? ["name"] : FIELDS;
  }

  #dress_for_guest() {
    for (const part of ["same_place", "location", "callback", "emergency", "remember"]) show(this.section, part, false);
    write(this.section, "details_title", t("guest_details_title"));
    write(this.section, "details_why", t("guest_details_why", { role: t(`call_role_${this.path.role}`) }));
    write(this.section, "details_name_hint", t("guest_name_hint"));
    this.#control("name").value = this.path.state?.details?.name || this.path.state?.person.name || "";
  }

  enter() {
    if (this.path.is_guest) {
      if (!this.#filled) this.#dress_for_guest();
      this.#filled = true;
      return;
    }
    // Once: coming back to this screen must not undo what was typed.
    if (this.#filled) return;
    this.#filled = true;
    const draft = read_draft(this.path.code);
    const sent = this.path.state?.details ?? null;
    const kept = read_remembered();
    const known = draft ?? sent ?? kept ?? {};
    for (const name of FIELDS) this.#control(name).value = known[name] ?? "";
    if (!this.#control("name").value) this.#control("name").value = this.path.state?.person.name ?? "";
    this.#tick("remember").checked = kept !== null;
    this.known_place = kept?.location ?? "";
    if (this.known_place && (draft ? draft.place : !sent)) {
      write(this.section, "known_place", this.known_place);
      show(this.section, "same_place", true);
      if (draft?.place) this.#choice(draft.place).checked = true;
      else this.#control("location").value = "";
    } else {
      this.known_place = "";
    }
    this.#ask_place();
  }

  leave() {}

  /** @param {string} name */
  #control(name) {
    return /** @type {HTMLInputElement | HTMLTextAreaElement} */ (find_html(this.form, `[name=${name}]`));
  }

  /** @param {string} name */
  #tick(name) {
    return find(this.form, `[name=${name}]`, HTMLInputElement);
  }

  /** @param {string} value */
  #choice(value) {
    return find(this.form, `[name=place][value=${value === "same" ? "same" : "other"}]`, HTMLInputElement);
  }

  get #place() {
    return String(new FormData(this.form).get("place") ?? "");
  }

  #ask_place() {
    show(this.section, "location", !this.path.is_guest && (!this.known_place || this.#place === "other"));
  }

  #read() {
    const values = Object.fromEntries(FIELDS.map((name) => [name, this.#control(name).value.trim()]));
    if (this.known_place && this.#place === "same") values["location"] = this.known_place;
    return values;
  }

  /** @param {Record<string, string>} values */
  #keep(values) {
    if (this.#tick("remember").checked) remember(values);
    else forget();
  }

  /** @param {Record<string, string>} values */
  #find_gaps(values) {
    /** @type {Record<string, string>} */
    const errors = {};
    for (const name of this.#asked) {
      if (values[name]) continue;
      if (name === "location" && this.known_place && !this.#place) errors["place"] = t("missing_place");
      else errors[name] = t(`missing_${name}`);
    }
    return errors;
  }

  async #send() {
    if (this.button.hasAttribute("aria-busy")) return;
    const values = this.#read();
    const gaps = this.#find_gaps(values);
    if (Object.keys(gaps).length > 0) {
      show_errors(this.section, this.form, gaps);
      return;
    }
    clear_errors(this.section, this.form);
    set_busy(this.button, true);
    try {
      const state = await this.path.post("details", values);
      // What a patient keeps on this device is not the guest's to change.
      if (!this.path.is_guest) this.#keep(values);
      drop_draft(this.path.code);
      this.path.advance(state);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (this.path.show_trouble_of(error)) return;
      const fields = Object.keys(error.fields).length > 0;
      show_errors(this.section, this.form, error.fields, fields ? "" : error.message);
    } finally {
      set_busy(this.button, false);
    }
  }
}
