// Who could read sound and picture, in one line that follows what was counted; the words people compare; and what is wrong.

import { path_words, privacy_key } from "../lib/call_words.js";
import { safety_words } from "../lib/word_lists.js";
import { announce, find, find_button, find_html, show, write } from "./dom.js";
import { t } from "./texts.js";

/**
 * @typedef {import("../call/call_client.js").CallClient} CallClient
 * @typedef {import("../lib/call_words.js").Path} Path
 */

export class PrivacyPanel {
  /** @type {Path[]} */
  #paths = [];
  #alarmed = false;
  /** Somebody's device has another key, and nobody has read that yet. */
  #key_changed = false;
  #listening = new AbortController();

  /** @param {HTMLElement} root @param {CallClient} client @param {(id: string) => string} name_of */
  constructor(root, client, name_of) {
    this.root = root;
    this.client = client;
    this.dialog = find(root, "[data-part=privacy_dialog]", HTMLDialogElement);
    for (const opener of root.querySelectorAll("[data-action=explain_privacy]")) {
      if (opener instanceof HTMLElement) opener.onclick = () => this.dialog.showModal();
    }
    find_button(this.dialog, "[data-action=close_privacy]").onclick = () => this.dialog.close();
    find_button(root, "[data-action=note_key_change]").onclick = () => { this.#key_changed = false; this.draw(this.#paths); };
    find_button(root, "[data-action=reload_encrypted]").onclick = () => window.location.reload();
    const { signal } = this.#listening;
    client.addEventListener("encryption", () => this.draw(this.#paths), { signal });
    client.addEventListener("key-changed", (event) => {
      const text = t("call_key_changed", { name: name_of(/** @type {CustomEvent} */ (event).detail.peer) });
      write(root, "key_changed", text);
      this.#key_changed = true;
      this.draw(this.#paths);
      announce(text);
    }, { signal });
  }

  /** @param {Path[]} paths */
  draw(paths) {
    this.#paths = paths;
    const { state, mode, alarm } = this.client.encryption;
    const words = path_words(paths);
    const privacy = privacy_key(words, state);
    write(this.root, "privacy", t(`call_privacy_${privacy}`));
    write(this.root, "privacy_meaning", t(`call_privacy_${privacy}_meaning`));
    const fact = find_html(this.root, "[data-fact=privacy]");
    fact.dataset.known = String(words.encrypted && privacy !== "proving");
    fact.dataset.privacy = privacy;
    // One message at a time, the worst first: they lie over the pictures.
    const worst = alarm ? "key_alarm" : mode === "unsupported" ? "cannot_encrypt" : mode === "latched" ? "latched" : this.#key_changed ? "key_changed" : "";
    for (const part of ["key_alarm", "cannot_encrypt", "latched", "key_changed"]) show(this.root, part, part === worst);
    if (alarm && !this.#alarmed) announce(t("call_privacy_alarm_meaning"), { now: true });
    this.#alarmed = alarm !== null;
    this.#draw_words();
  }

  close() {
    this.#listening.abort();
    this.dialog.close();
  }

  #draw_words() {
    const { words, mode, alarm } = this.client.encryption;
    const language = String(this.client.state?.room.language ?? "en");
    show(this.dialog, "safety", mode === "required" && alarm === null);
    show(this.dialog, "safety_words", words !== null);
    show(this.dialog, "safety_pending", words === null);
    const list = find_html(this.dialog, "[data-part=safety_words]");
    const shown = words ? safety_words(words, language) : [];
    if (list.dataset.drawn === shown.join(" ")) return;
    list.dataset.drawn = shown.join(" ");
    list.lang = language;
    list.replaceChildren(...shown.map((word) => Object.assign(document.createElement("li"), { textContent: word })));
  }
}
