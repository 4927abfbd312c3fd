// Who asks to be let in: people in the waiting room with their identity check, and second devices of people with a seat.

import { announce, find_button, find_html, find_input, focus_on, set_busy, show, write } from "./dom.js";
import { page_language, t } from "./texts.js";
import { copy_template, draw_rows, keep_elements, person_rows } from "./visit_person.js";

/**
 * @typedef {import("../call/call_client.js").CallClient} CallClient
 * @typedef {import("./visit_person.js").VisitPerson} VisitPerson
 */

const MINUTE_MS = 60_000;
/** Arriving and connecting are two steps a moment apart. */
const TELL_AWAY_AFTER_MS = 10_000;

export class WaitingList {
  /** @type {Map<string, HTMLElement>} by participant, or by "device <id>" */
  #cards = new Map();
  /** Devices the practitioner decided to leave outside. @type {Set<string>} */
  #kept_out = new Set();
  /** @type {VisitPerson[]} */
  #people = [];
  #emergency_number = "";

  /** @param {HTMLElement} root @param {CallClient} client */
  constructor(root, client) {
    this.root = root;
    this.client = client;
    this.list = find_html(root, "[data-part=waiting]");
  }

  get waiting() { return this.#people.filter(({ state }) => state === "waiting"); }

  /** @param {VisitPerson[]} people @param {string} emergency_number */
  take(people, emergency_number) {
    const before = new Set(this.waiting.map(({ id }) => id));
    this.#people = people;
    this.#emergency_number = emergency_number;
    for (const person of this.waiting) {
      if (!before.has(person.id)) announce(t("visit_said_waiting", { name: person.name }));
    }
    this.draw();
  }

  draw() {
    const devices = this.#people.flatMap((person) => person.asking_devices.map((device) => ({ person, device }))).filter(({ device }) => !this.#kept_out.has(device.id));
    const keys = [...this.waiting.map(({ id }) => id), ...devices.map(({ device }) => `device ${device.id}`)];
    const had_focus = this.list.contains(document.activeElement);
    keep_elements(this.list, this.#cards, keys, (key) => (key.startsWith("device ") ? this.#device_card(key.slice(7)) : this.#person_card(key)));
    for (const person of this.waiting) this.#draw_person(/** @type {HTMLElement} */ (this.#cards.get(person.id)), person);
    for (const { person, device } of devices) this.#draw_device(/** @type {HTMLElement} */ (this.#cards.get(`device ${device.id}`)), person, device);
    show(this.root, "waiting_list", keys.length > 0);
    // A card that goes takes the focus with it: whoever works by keyboard goes on at the next card, or at the visit's head.
    if (!had_focus || this.list.contains(document.activeElement)) return;
    const next = this.list.querySelector("input");
    if (next) next.focus();
    else focus_on(find_html(document, "#main h1"));
  }

  /** The key A: admits whoever waits longest. */
  admit_first() {
    const first = this.waiting[0];
    if (first) void this.#admit(first.id);
  }

  /** @param {string} id */
  #person_card(id) {
    const card = copy_template("waiting_card");
    for (const radio of card.querySelectorAll("input[type=radio]")) {
      if (!(radio instanceof HTMLInputElement)) continue;
      radio.name = `identity-${id}`;
      radio.addEventListener("change", () => show(card, "admission_error", false));
    }
    find_html(card, "form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#admit(id);
    });
    return card;
  }

  /** @param {string} device_id */
  #device_card(device_id) {
    const card = copy_template("device_card");
    find_button(card, "[data-action=admit_device]").addEventListener("click", () => { void this.#admit_device(card, device_id); });
    find_button(card, "[data-action=keep_device]").addEventListener("click", () => {
      this.#kept_out.add(device_id);
      this.draw();
    });
    return card;
  }

  /** @param {HTMLElement} card @param {VisitPerson} person */
  #draw_person(card, person) {
    write(card, "name", person.name);
    write(card, "role", person.role === "patient" ? "" : t(`call_role_${person.role}`));
    const since_ms = person.waiting_since ? Date.parse(person.waiting_since) : NaN;
    // By the server's clock: a waiting time must not depend on this computer's.
    const waits_ms = Date.now() + this.client.server_offset_ms - since_ms;
    const minutes = Math.floor(waits_ms / MINUTE_MS);
    show(card, "waits", !Number.isNaN(since_ms));
    write(card, "waits", minutes < 1 ? t("visit_waits_now") : t("visit_waits_minutes", { minutes }));
    const unencrypted = person.device_check?.frame_encryption === false;
    show(card, "unencrypted", unencrypted);
    if (unencrypted) write(card, "unencrypted", t("visit_unencrypted", { name: person.name }));
    show(card, "away", !person.present && waits_ms > TELL_AWAY_AFTER_MS);
    draw_rows(find_html(card, "[data-part=card_facts]"), person_rows(person, this.#emergency_number));
  }

  /** @param {HTMLElement} card @param {VisitPerson} person @param {{id: string, label: string, since: string}} device */
  #draw_device(card, person, device) {
    const time = new Intl.DateTimeFormat(page_language(), { hour: "numeric", minute: "2-digit" }).format(new Date(device.since));
    write(card, "title", t("visit_device_title", { name: person.name }));
    write(card, "explain", t("visit_device_explain", { device: device.label || t("visit_device_unnamed"), time }));
  }

  /** @param {string} id */
  async #admit(id) {
    const card = this.#cards.get(id);
    const person = this.#people.find((one) => one.id === id);
    if (!card || !person) return;
    const chosen = card.querySelector("input[type=radio]:checked");
    if (!(chosen instanceof HTMLInputElement)) {
      this.#refuse(card, t("visit_identity_missing"));
      find_input(card, "input").focus();
      return;
    }
    const button = find_button(card, "[data-testid=admit]");
    if (button.getAttribute("aria-busy") === "true") return;
    set_busy(button, true);
    try {
      const accept_unencrypted = find_input(card, "[name=accept_unencrypted]").checked;
      await this.client.request("admit", { participant: id, identity: chosen.value, ...(accept_unencrypted && { accept_unencrypted }) });
      announce(t("visit_said_admitted", { name: person.name }));
    } catch (error) {
      this.#refuse(card, request_words(error));
    } finally {
      set_busy(button, false);
    }
  }

  /** @param {HTMLElement} card @param {string} device_id */
  async #admit_device(card, device_id) {
    const person = this.#people.find(({ asking_devices }) => asking_devices.some(({ id }) => id === device_id));
    if (!person) return;
    const button = find_button(card, "[data-action=admit_device]");
    set_busy(button, true);
    try {
      await this.client.request("admit_device", { participant: person.id, device: device_id });
    } catch (error) {
      show(card, "device_error", true);
      write(card, "device_error", request_words(error));
    } finally {
      set_busy(button, false);
    }
  }

  /** @param {HTMLElement} card @param {string} sentence */
  #refuse(card, sentence) {
    show(card, "admission_error", true);
    write(card, "admission_error", sentence);
  }
}

/** The server's own sentence, or ours when there is none. @param {unknown} error */
export function request_words(error) {
  const { code, message } = /** @type {{code?: string, message?: string}} */ (error);
  return message && message !== code ? message : t("visit_request_failed");
}
