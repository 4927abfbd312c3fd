// The route of the call while it runs: the question before a move that needs both people's yes, what limits the connection and
// what is done about it, the button that says that something is wrong, and the quiet word that the route moved.

import { announce, find_button, find_html, focus_on, set_busy, show, write } from "./dom.js";
import { t } from "./texts.js";

/** @typedef {{to: string, state: "asking"|"probing", reason: {code: string, text: string}, asks: string[]}} Move */

const NOTE_MS = 8000;

export class RouteView {
  /** @type {Move|null} */
  #move = null;
  #advice = "";
  /** @type {number|undefined} */
  #note_timer;
  #listening = new AbortController();

  /** @param {HTMLElement} root @param {import("../call/call_client.js").CallClient} client */
  constructor(root, client) {
    this.root = root;
    this.client = client;
    this.panel = find_html(root, "[data-part=trouble_ask]");
    this.opener = find_button(root, "[data-control=trouble]");
    this.opener.onclick = () => this.#open_trouble(this.panel.hidden === true);
    find_button(this.panel, "[data-action=close_trouble]").onclick = () => this.#open_trouble(false);
    this.panel.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.#open_trouble(false);
    };
    for (const button of this.panel.querySelectorAll("[data-trouble]")) {
      if (button instanceof HTMLButtonElement) button.onclick = () => { void this.#say_trouble(button); };
    }
    for (const answer of /** @type {const} */ (["yes", "no"])) {
      const button = find_button(root, `[data-action=move_${answer}]`);
      button.onclick = () => { void this.#answer(answer, button); };
    }
    const { signal } = this.#listening;
    client.addEventListener("moved", (event) => this.#note(t(`call_moved_${/** @type {CustomEvent} */ (event).detail.engine}`)), { signal });
    client.addEventListener("remedy", () => this.draw(), { signal });
  }

  /** Draws what the last snapshot says. */
  draw() {
    const snapshot = /** @type {any} */ (this.client.state);
    if (!snapshot) return;
    this.#draw_move(snapshot.room.move ?? null, snapshot.me.id);
    this.#draw_advice(snapshot.room.advice ?? null);
  }

  close() {
    this.#listening.abort();
    window.clearTimeout(this.#note_timer);
    this.#open_trouble(false);
  }

  /** @param {Move|null} move @param {string} me */
  #draw_move(move, me) {
    const asked = move?.state === "asking" && move.asks.includes(me);
    const was_asked = this.#move?.state === "asking" && this.#move.asks.includes(me);
    const waits = move?.state === "asking" && !asked && move.asks.length > 0;
    this.#move = move;
    show(this.root, "move_ask", asked);
    if (asked) write(this.root, "move_reason", move.reason.text);
    // Polite, and the focus stays where it is: somebody may be typing.
    if (asked && !was_asked) announce(`${t("call_move_asked")} ${move.reason.text}`);
    if (was_asked && waits) this.#note(t("call_move_waits"));
    if (!asked) show(this.root, "move_error", false);
  }

  /** @param {{code: string, text: string}|null} advice */
  #draw_advice(advice) {
    const { remedy } = this.client;
    const text = advice?.text ?? (remedy ? t(`call_remedy_${remedy}`) : "");
    this.root.dataset.advice = String(text !== "");
    show(this.root, "advice", text !== "");
    if (text) write(this.root, "advice", text);
    if (text && text !== this.#advice) announce(text);
    this.#advice = text;
  }

  /** @param {boolean} open */
  #open_trouble(open) {
    if (this.panel.hidden !== open) return;
    this.panel.hidden = !open;
    this.opener.setAttribute("aria-expanded", String(open));
    if (open) focus_on(find_html(this.panel, "#trouble-title"));
    else this.opener.focus();
  }

  /** @param {HTMLButtonElement} button */
  async #say_trouble(button) {
    if (button.hasAttribute("aria-busy")) return;
    set_busy(button, true);
    try {
      await this.client.request("trouble", { kind: button.dataset.trouble ?? "" });
      this.#note(t("call_trouble_thanks"));
    } catch (error) {
      // Said three times in half a minute is heard as well.
      const { code, message } = /** @type {{code?: string, message?: string}} */ (error);
      this.#note(code === "too_many_messages" ? t("call_trouble_thanks") : (message ?? ""));
    } finally {
      set_busy(button, false);
      this.#open_trouble(false);
    }
  }

  /** @param {"yes"|"no"} answer @param {HTMLButtonElement} button */
  async #answer(answer, button) {
    if (button.hasAttribute("aria-busy")) return;
    set_busy(button, true);
    show(this.root, "move_error", false);
    try {
      await this.client.request("move", { answer });
    } catch (error) {
      show(this.root, "move_error", true);
      write(this.root, "move_error", /** @type {{message?: string}} */ (error).message ?? "");
    } finally {
      set_busy(button, false);
    }
  }

  /** A line that goes by itself. @param {string} text */
  #note(text) {
    window.clearTimeout(this.#note_timer);
    write(this.root, "route_note", text);
    show(this.root, "route_note", true);
    announce(text);
    this.#note_timer = window.setTimeout(() => show(this.root, "route_note", false), NOTE_MS);
  }
}
