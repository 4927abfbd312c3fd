// The chat of the visit: between the devices, on no server. It says so itself.

import { announce, find, find_button, find_html, focus_on, show, write } from "./dom.js";
import { page_language, t } from "./texts.js";

/** @typedef {import("../call/call_client.js").CallClient} CallClient */
/** @typedef {import("../lib/chat_log.js").ChatMessage} ChatMessage */

/** Fires "change" when it opens, closes or has unread messages. */
export class ChatView extends EventTarget {
  #unread = 0;
  #drawn = new Set();
  #clock = new Intl.DateTimeFormat(page_language(), { hour: "numeric", minute: "2-digit" });

  /** @param {HTMLElement} root @param {CallClient} client @param {(id: string) => string} name_of */
  constructor(root, client, name_of) {
    super();
    this.client = client;
    this.name_of = name_of;
    this.panel = find_html(root, "[data-part=chat]");
    this.scroller = find_html(this.panel, "[data-part=chat_log]");
    this.log = find_html(this.scroller, "ol");
    this.template = find(this.panel, "[data-part=chat_message]", HTMLTemplateElement);
    this.box = find(this.panel, "textarea", HTMLTextAreaElement);
    const form = find(this.panel, "[data-part=chat_form]", HTMLFormElement);
    form.onsubmit = (event) => { event.preventDefault(); this.#send(); };
    this.box.onkeydown = (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#send();
      }
    };
    this.panel.onkeydown = (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        this.hide();
      }
    };
    find_button(this.panel, "[data-action=close_chat]").onclick = () => this.hide();
    this.log.replaceChildren();
    this.draw(null);
  }

  get is_open() { return !this.panel.hidden; }
  get unread() { return this.#unread; }

  toggle() {
    if (this.is_open) this.hide();
    else this.#show();
  }

  hide() {
    if (!this.is_open) return;
    this.panel.hidden = true;
    this.dispatchEvent(new Event("change"));
  }

  /** @param {ChatMessage|null} fresh the message that came just now, null for a history */
  draw(fresh) {
    const { messages } = this.client;
    // A history after a reload may bring older messages than those on the page: then the whole list is drawn again.
    const order = messages.map(({ id }) => id);
    const known = [...this.#drawn];
    if (known.some((id, index) => order[index] !== id)) {
      this.#drawn.clear();
      this.log.replaceChildren();
    }
    for (const message of messages) if (!this.#drawn.has(message.id)) this.#append(message);
    show(this.panel, "chat_empty", messages.length === 0);
    this.scroller.hidden = messages.length === 0;
    this.#scroll();
    if (!fresh || this.#is_mine(fresh) || this.is_open) return;
    this.#unread += 1;
    announce(t("call_chat_arrived", { name: this.name_of(fresh.from) }));
    this.dispatchEvent(new Event("change"));
  }

  /** Whether somebody is there to get a message now. @param {boolean} connected */
  set_connected(connected) {
    show(this.panel, "chat_waits", !connected);
  }

  /** Which way messages take, told before the first is written. @param {boolean} by_server @param {boolean} sealed */
  set_promise(by_server, sealed) {
    write(this.panel, "chat_promise", t(!by_server ? "call_chat_promise" : sealed ? "call_chat_promise_sealed" : "call_chat_promise_server"));
  }

  #show() {
    this.panel.hidden = false;
    this.#unread = 0;
    this.#scroll();
    focus_on(this.box);
    this.dispatchEvent(new Event("change"));
  }

  #send() {
    const text = this.box.value;
    if (text.trim() === "") return;
    this.client.send_chat(text);
    this.box.value = "";
    this.box.focus();
  }

  /** @param {ChatMessage} message */
  #append(message) {
    const fragment = /** @type {DocumentFragment} */ (this.template.content.cloneNode(true));
    const item = find_html(fragment, ".chat__message");
    const mine = this.#is_mine(message);
    item.dataset.mine = String(mine);
    write(item, "who", mine ? t("call_you") : this.name_of(message.from));
    write(item, "when", this.#clock.format(message.at_ms));
    write(item, "text", message.text);
    this.#drawn.add(message.id);
    this.log.append(item);
  }

  /** @param {ChatMessage} message */
  #is_mine(message) {
    return message.from === this.client.state?.me.id;
  }

  #scroll() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}
