// What happened to the visit's connection, in the drawer: the newest event as one line, all of them behind it.

import { find_html, show, write } from "./dom.js";
import { get_json } from "./server.js";

/** @typedef {import("../call/call_client.js").CallClient} CallClient */
/** @typedef {{number: number, time: string, text: string, why: string[]}} PathEvent */

// Several changes come at once when somebody arrives or leaves: one question is enough.
const GATHER_MS = 1000;

export class PathEvents {
  #timer = 0;
  #drawn = "";
  #word = "";

  /** @param {HTMLElement} drawer @param {CallClient} client @param {string} url of visit_path_events */
  constructor(drawer, client, url) {
    this.drawer = drawer;
    this.url = url;
    client.addEventListener("state", () => this.#ask_soon());
    client.addEventListener("path", () => this.#ask_soon());
    client.addEventListener("quality", (event) => {
      const { word } = /** @type {CustomEvent} */ (event).detail;
      if (word !== this.#word) this.#ask_soon();
      this.#word = word;
    });
  }

  #ask_soon() {
    if (this.#timer === 0) this.#timer = window.setTimeout(() => { void this.#ask(); }, GATHER_MS);
  }

  async #ask() {
    this.#timer = 0;
    try {
      this.#draw((await get_json(this.url)).events);
    } catch {
      // The list stays as it is; the next change asks again.
    }
  }

  /** @param {PathEvent[]} events newest first */
  #draw(events) {
    const drawn = JSON.stringify(events);
    const [newest] = events;
    if (drawn === this.#drawn || !newest) return;
    this.#drawn = drawn;
    show(this.drawer, "path_events", true);
    write(this.drawer, "path_event", `${newest.time} ${newest.text}`);
    find_html(this.drawer, "[data-part=path_event_list]").replaceChildren(...events.map((event) => this.#item(event)));
  }

  /** @param {PathEvent} event */
  #item(event) {
    const template = find_html(this.drawer, "[data-part=path_events]").querySelector("template");
    const item = /** @type {HTMLElement} */ (template?.content.firstElementChild?.cloneNode(true));
    write(item, "time", event.time);
    write(item, "text", event.text);
    write(item, "why", event.why.join(" "));
    return item;
  }
}
