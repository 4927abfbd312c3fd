// The practitioner's notes: saved as they are typed, kept in this window while the server is away, never thrown away silently.

import { Autosave } from "../lib/autosave.js";
import { find, find_html, write } from "./dom.js";
import { post_json } from "./server.js";
import { page_language, t } from "./texts.js";

export class Notes {
  #last_saved_at = "";
  /** The version this window started from: another window's newer text is never overwritten unseen. */
  #number;
  #stuck = false;

  /** @param {HTMLElement} drawer @param {string} url */
  constructor(drawer, url) {
    this.drawer = drawer;
    this.box = find(drawer, "#notes", HTMLTextAreaElement);
    this.state = find_html(drawer, "[data-part=notes_state]");
    this.#last_saved_at = this.box.dataset.savedAt ?? "";
    this.#number = Number(this.box.dataset.number ?? 0);
    this.autosave = new Autosave({
      text: this.box.value,
      save: async (text) => {
        const answer = await post_json(url, { text, number: this.#number });
        this.#number = answer.number;
        this.#last_saved_at = answer.saved_at;
      },
      on_state: (state, error) => this.#tell(state, error),
    });
    this.box.addEventListener("input", () => this.autosave.type(this.box.value));
    this.box.addEventListener("blur", () => { void this.autosave.flush(); });
    window.addEventListener("online", () => { void this.autosave.flush(); });
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") void this.autosave.flush(); });
    window.addEventListener("beforeunload", (event) => { if (!this.autosave.is_safe) event.preventDefault(); });
    this.#tell("saved", null);
  }

  /** Saves what is left. Resolves false when that did not work: then the page must stay. */
  async finish() {
    await this.autosave.flush();
    return this.autosave.is_safe;
  }

  /** @param {import("../lib/autosave.js").SaveState} state @param {unknown} error */
  #tell(state, error) {
    // While it tries again and again the sentence stays: it would flicker between "saving" and "not saved".
    if (state === "failed") this.#stuck = true;
    else if (state === "saved") this.#stuck = false;
    else if (this.#stuck) return;
    this.state.dataset.state = state;
    write(this.drawer, "notes_state", this.#words(state, error));
  }

  /** @param {import("../lib/autosave.js").SaveState} state @param {unknown} error */
  #words(state, error) {
    if (state === "failed") return t("visit_notes_failed", { reason: error instanceof Error ? error.message : "" });
    if (state !== "saved") return t(`visit_notes_${state}`);
    if (!this.#last_saved_at) return t("visit_notes_empty");
    const time = new Intl.DateTimeFormat(page_language(), { hour: "numeric", minute: "2-digit" }).format(new Date(this.#last_saved_at));
    return t("visit_notes_saved", { time });
  }
}
