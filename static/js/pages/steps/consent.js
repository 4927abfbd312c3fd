// Step 4: the consent text and two honest answers. One purpose, so the button is the tick; further purposes bring theirs.

import { find, find_button, find_html, set_busy, show, write } from "../dom.js";
import { ServerError } from "../server.js";
import { clear_errors, clear_mark, show_errors } from "./form_errors.js";
import { write_prose } from "./prose.js";
import { unlock_sound } from "./sounds.js";

/** @typedef {import("../join.js").Path} Path */

export class ConsentStep {
  /** @param {HTMLElement} section @param {Path} path */
  constructor(section, path) {
    this.section = section;
    this.path = path;
    this.form = find(section, "form", HTMLFormElement);
    this.agree = find_button(section, "[data-testid=consent-agree]");
    this.refuse = find_button(section, "[data-action=refuse]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send("granted");
    });
    this.form.addEventListener("input", (event) => clear_mark(event.target));
    this.refuse.addEventListener("click", () => { void this.#send("refused"); });
  }

  enter() {
    const consent = this.path.state?.consent;
    if (!consent) return;
    write(this.section, "consent_title", consent.title);
    write(this.section, "consent_summary", consent.summary);
    write_prose(find_html(this.section, "[data-prose=consent_body]"), consent.body);
    write_prose(find_html(this.section, "[data-prose=consent_if_refused]"), consent.if_refused);
    this.section.lang = consent.language;
    this.#offer_capacities(consent.capacity_options ?? []);
  }

  leave() {
    clear_errors(this.section, this.form);
  }

  /** @param {Array<{value: string, label: string}>} options */
  #offer_capacities(options) {
    const list = find_html(this.section, "[data-list=capacities]");
    show(this.section, "capacity", options.length > 1);
    if (list.childElementCount > 0) return;
    options.forEach((option, index) => {
      const label = document.createElement("label");
      label.className = "choice";
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "capacity", value: option.value, checked: index === 0 });
      const words = Object.assign(document.createElement("span"), { textContent: option.label });
      label.append(input, words);
      list.append(label);
    });
  }

  /** @param {"granted"|"refused"} decision */
  async #send(decision) {
    const consent = this.path.state?.consent;
    if (!consent || this.agree.hasAttribute("aria-busy")) return;
    unlock_sound();
    clear_errors(this.section, this.form);
    set_busy(this.agree, true);
    try {
      const capacity = String(new FormData(this.form).get("capacity") ?? "self");
      const state = await this.path.post("consent", { purpose: consent.purpose, version: consent.version, decision, capacity });
      if (decision === "refused") this.path.trouble("refused");
      else this.path.advance(state);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (this.path.show_trouble_of(error)) return;
      // The practice changed the text while it was being read: the new one has to be read, too.
      if (error.code === "old_text") await this.path.refresh().then(() => this.enter(), () => {});
      show_errors(this.section, this.form, {}, error.message);
    } finally {
      set_busy(this.agree, false);
    }
  }
}
