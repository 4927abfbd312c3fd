// The line about the path under the drawer, and the panel that says why it is this one.

import { path_words, privacy_key } from "../lib/call_words.js";
import { find_html, show, write } from "./dom.js";
import { has_text, t } from "./texts.js";

/** @typedef {import("../call/call_client.js").CallClient} CallClient */

export class PathPanel {
  /** @type {any} */
  #path = { state: "none", route: "" };
  /** @type {{word: string}|null} */
  #verdict = null;

  /** @param {HTMLElement} drawer @param {CallClient} client */
  constructor(drawer, client) {
    this.drawer = drawer;
    this.client = client;
    client.addEventListener("path", (event) => {
      this.#path = /** @type {CustomEvent} */ (event).detail;
      if (this.#path.state !== "connected") this.#verdict = null;
      this.draw();
    });
    client.addEventListener("encryption", () => this.draw());
    client.addEventListener("quality", (event) => {
      const { rates, ...verdict } = /** @type {CustomEvent} */ (event).detail;
      this.#verdict = verdict;
      if (rates?.pair) this.#path = { ...this.#path, rtt_ms: rates.pair.rtt_ms };
      this.draw();
    });
  }

  draw() {
    const snapshot = /** @type {any} */ (this.client.state);
    const words = path_words(snapshot?.join ? [this.#path] : []);
    const { route, encrypted } = words;
    const privacy = privacy_key(words, this.client.encryption.state);
    const line = t(`visit_path_${route}`, { privacy: t(`visit_privacy_${privacy}`), quality: t(`visit_quality_${this.#verdict?.word ?? "pending"}`) });
    write(this.drawer, "path_line", line);
    write(this.drawer, "path_now", line);
    show(this.drawer, "path_facts", encrypted);
    if (encrypted) {
      const { rtt_ms, local, remote } = this.#path;
      const by_server = route === "server";
      write(this.drawer, "path_rtt", rtt_ms === null || rtt_ms === undefined ? t("visit_quality_pending") : t("visit_path_rtt", { milliseconds: Math.max(1, Math.round(rtt_ms)) }));
      write(this.drawer, "path_ends_label", t(by_server ? "visit_path_ends_label_server" : "visit_path_ends_label"));
      write(this.drawer, "path_ends", by_server ? end_words(local) : t("visit_path_ends", { local: end_words(local), remote: end_words(remote) }));
    }
    // Before anything is proved, the decision says which promise it will be.
    const promised = snapshot?.join?.engine !== "sfu" ? "visit_path_promise" : snapshot.room.frame_encryption === "off" ? "call_privacy_server_meaning" : "call_privacy_e2e_server_meaning";
    write(this.drawer, "path_promise", t(privacy === "pending" || privacy === "proving" ? promised : `call_privacy_${privacy}_meaning`));
    this.#draw_reasons(snapshot?.join?.decision?.reasons ?? []);
    const refusal = snapshot?.room.refusal;
    show(this.drawer, "path_refusal", Boolean(refusal));
    if (refusal) write(this.drawer, "path_refusal", t("visit_refused", { reason: refusal.text }));
  }

  /** @param {{code: string, text: string}[]} reasons */
  #draw_reasons(reasons) {
    show(this.drawer, "path_reasons_block", reasons.length > 0);
    const list = find_html(this.drawer, "[data-part=path_reasons]");
    const drawn = reasons.map(({ code }) => code).join(" ");
    if (list.dataset.drawn === drawn) return;
    list.dataset.drawn = drawn;
    list.replaceChildren(...reasons.map(({ text }) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
  }
}

/** @param {string} type of an ICE candidate */
function end_words(type) {
  return has_text(`visit_end_${type}`) ? t(`visit_end_${type}`) : type;
}
