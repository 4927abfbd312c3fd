// Somebody more in a running visit: who it is, then a one-time link to send or to copy. The link is shown here and nowhere else.

import { reads_as_contact } from "../lib/contact.js";
import { announce, find, find_button, find_html, find_input, focus_on, set_busy, show, write } from "./dom.js";
import { t } from "./texts.js";
import { request_words } from "./visit_waiting.js";

/** @typedef {import("../call/call_client.js").CallClient} CallClient */

export class InviteDialog {
  /** @param {HTMLElement} root @param {CallClient} client */
  constructor(root, client) {
    this.client = client;
    this.opener = find_button(root, "[data-action=invite]");
    this.dialog = find(root, "[data-part=invite_dialog]", HTMLDialogElement);
    this.form = find(this.dialog, "form", HTMLFormElement);
    this.link = find_input(this.dialog, "#invite-link");
    this.opener.onclick = () => this.open();
    this.form.onsubmit = (event) => {
      event.preventDefault();
      void this.#create();
    };
    const contact = find_input(this.form, "[name=contact]");
    contact.oninput = () => write(this.form, "invite_create", t(contact.value.trim() ? "visit_invite_send" : "visit_invite_create"));
    for (const button of this.dialog.querySelectorAll("[data-action=close_invite]")) button.addEventListener("click", () => this.dialog.close());
    find_button(this.dialog, "[data-action=invite_more]").onclick = () => this.#ask();
    find_button(this.dialog, "[data-action=copy_invite]").onclick = () => { void this.#copy(); };
    this.link.onfocus = () => this.link.select();
    // A link that was read is gone from the page with the dialog.
    this.dialog.onclose = () => { this.link.value = ""; };
  }

  open() {
    this.#ask();
    this.dialog.showModal();
    focus_on(find_html(this.form, "h2"));
  }

  close() {
    this.dialog.close();
  }

  #ask() {
    this.form.reset();
    this.link.value = "";
    for (const part of ["role", "name", "contact"]) this.#mark(part, false);
    show(this.dialog, "invite_error", false);
    write(this.form, "invite_create", t("visit_invite_create"));
    this.form.hidden = false;
    show(this.dialog, "invite_done", false);
    if (this.dialog.open) focus_on(find_html(this.form, "h2"));
  }

  async #create() {
    const data = new FormData(this.form);
    const text = (/** @type {string} */ name) => String(data.get(name) ?? "").trim();
    const [role, name, language, contact] = [text("role"), text("name"), text("language"), text("contact")];
    const faults = { role: role === "", name: name === "", contact: contact !== "" && !reads_as_contact(contact) };
    for (const [part, faulty] of Object.entries(faults)) this.#mark(part, faulty);
    show(this.dialog, "invite_error", false);
    const first = Object.entries(faults).find(([, faulty]) => faulty)?.[0];
    if (first) {
      find_input(this.form, `[name=${first}]`).focus();
      return;
    }
    const button = find_button(this.form, "[data-action=invite_create]");
    if (button.getAttribute("aria-busy") === "true") return;
    set_busy(button, true);
    try {
      const { url, sent } = await this.client.request("invite", { role, name, language, contact: contact || null });
      this.#show_link(url, name, sent ? contact : "");
    } catch (error) {
      show(this.dialog, "invite_error", true);
      write(this.dialog, "invite_error", request_words(error));
    } finally {
      set_busy(button, false);
    }
  }

  /** @param {string} url @param {string} name @param {string} contact to which it was sent, or "" */
  #show_link(url, name, contact) {
    this.link.value = url;
    write(this.dialog, "invite_done_title", t("visit_invite_done", { name }));
    write(this.dialog, "invite_sent", contact ? t("visit_invite_sent", { contact }) : t("visit_invite_pass_on"));
    write(this.dialog, "invite_copy", t("visit_invite_copy"));
    this.form.hidden = true;
    show(this.dialog, "invite_done", true);
    focus_on(find_html(this.dialog, "[data-part=invite_done] h2"));
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.link.value);
      write(this.dialog, "invite_copy", t("visit_invite_copied"));
      announce(t("visit_invite_copied"));
    } catch {
      // Without the clipboard the link is marked, ready for the keys that everybody knows.
      this.link.focus();
      this.link.select();
      announce(t("visit_invite_copy_failed"));
    }
  }

  /** @param {string} part @param {boolean} faulty */
  #mark(part, faulty) {
    show(this.form, `invite_${part}_error`, faulty);
    const inputs = this.form.querySelectorAll(`[name=${part}]`);
    for (const input of inputs) {
      if (faulty) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    inputs[0]?.closest(".field")?.classList.toggle("field--invalid", faulty);
  }
}
