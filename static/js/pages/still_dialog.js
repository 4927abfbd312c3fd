// The sharp picture, large: the practitioner looks, and keeps it where the patient agreed. Closing forgets it.

import { announce, find, find_button, find_html, set_busy, show, write } from "./dom.js";
import { post_bytes } from "./server.js";
import { t } from "./texts.js";

const ZOOM_STEP = 1.5;
const MAX_ZOOM = 12;

/** @typedef {{from: string, id: string, blob: Blob, width: number, height: number, name: string}} Picture */

export class StillDialog {
  #zoom = 1;
  /** @type {Picture|null} */
  #picture = null;
  #kept = false;
  #may_keep = false;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.dialog = find(root, "dialog[data-part=still_dialog]", HTMLDialogElement);
    this.image = find(root, "img[data-part=still_picture]", HTMLImageElement);
    this.frame = find_html(root, "[data-part=still_frame]");
    this.keep_button = find_button(root, "[data-action=still_keep]");
    find_button(root, "[data-action=still_larger]").onclick = () => this.#set_zoom(this.#zoom * ZOOM_STEP);
    find_button(root, "[data-action=still_smaller]").onclick = () => this.#set_zoom(this.#zoom / ZOOM_STEP);
    find_button(root, "[data-action=still_fit]").onclick = () => this.#set_zoom(1);
    find_button(root, "[data-action=still_close]").onclick = () => this.dialog.close();
    this.keep_button.onclick = () => { void this.#keep(); };
    this.dialog.addEventListener("close", () => this.#forget());
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {Picture} picture @param {boolean} may_keep */
  open(picture, may_keep) {
    this.#forget();
    this.#picture = picture;
    this.#kept = false;
    this.image.src = URL.createObjectURL(picture.blob);
    this.image.alt = t("call_still_alt", { name: picture.name });
    write(this.root, "still_title", t("call_still_title", { name: picture.name, width: picture.width, height: picture.height }));
    show(this.root, "still_keep_error", false);
    this.#set_zoom(1);
    this.set_may_keep(may_keep);
    if (!this.dialog.open) this.dialog.showModal();
    this.frame.focus();
  }

  /** @param {boolean} may_keep the person whom it shows agreed, and did not take it back */
  set_may_keep(may_keep) {
    this.#may_keep = may_keep;
    if (!this.#picture) return;
    this.keep_button.hidden = this.#kept || !may_keep;
    const fate = this.#kept ? "kept" : may_keep ? "may_keep" : "gone";
    write(this.root, "still_shown_fate", t(`call_still_shown_${fate}`, { name: this.#picture.name }));
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const zoom = { "+": this.#zoom * ZOOM_STEP, "=": this.#zoom * ZOOM_STEP, "-": this.#zoom / ZOOM_STEP, 0: 1 }[event.key];
    if (zoom === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#set_zoom(zoom);
  }

  /** @param {number} zoom 1: the whole picture */
  #set_zoom(zoom) {
    this.#zoom = Math.min(MAX_ZOOM, Math.max(1, zoom));
    this.frame.dataset.zoomed = String(this.#zoom > 1);
    this.image.style.setProperty("inline-size", this.#zoom > 1 ? `${this.#zoom * 100}%` : "");
  }

  async #keep() {
    const picture = this.#picture;
    const url = this.root.dataset.stillUrl;
    if (!picture || !url || this.keep_button.hasAttribute("aria-busy")) return;
    set_busy(this.keep_button, true);
    show(this.root, "still_keep_error", false);
    try {
      await post_bytes(`${url}?person=${encodeURIComponent(picture.from)}`, picture.blob);
      this.#kept = true;
      this.set_may_keep(this.#may_keep);
      announce(t("call_still_shown_kept", { name: picture.name }));
    } catch (error) {
      write(this.root, "still_keep_error", /** @type {{message?: string}} */ (error).message || t("call_still_failed"));
      show(this.root, "still_keep_error", true);
    } finally {
      set_busy(this.keep_button, false);
    }
  }

  #forget() {
    if (this.image.src) URL.revokeObjectURL(this.image.src);
    this.image.removeAttribute("src");
    this.#picture = null;
  }
}
