// The row of round buttons. They say what a press does; the state stands in the own picture and in the announcements.

import { listen_for_keys } from "./call_keys.js";
import { announce, find_button, find_html, show, write } from "./dom.js";
import { t } from "./texts.js";

/** @typedef {import("../call/call_client.js").CallClient} CallClient */

/** Fires "leave", "chat", "people", "layout", "devices" and "trouble" (detail: a text key). */
export class CallControls extends EventTarget {
  #stop_keys;
  #on_full_screen = () => this.#render_full_screen();
  /** @type {boolean|null} */
  #sharing = null;

  /** @param {HTMLElement} root @param {CallClient} client */
  constructor(root, client) {
    super();
    this.root = root;
    this.client = client;
    this.bar = find_html(root, "[data-part=controls]");
    this.#on("mic", () => this.toggle_mic());
    this.#on("camera", () => this.toggle_camera());
    this.#on("chat", () => this.#fire("chat"));
    this.#on("people", () => this.#fire("people"));
    this.#on("layout", () => this.#fire("layout"));
    this.#on("hand", () => this.toggle_hand());
    this.#on("devices", () => this.#fire("devices"));
    this.#on("leave", () => this.#fire("leave"));
    this.#on("share", () => { void this.toggle_share(); });
    this.#on("full_screen", () => { void this.#toggle_full_screen(); });
    this.#on("more", () => this.#toggle_more());
    this.#button("share").hidden = !navigator.mediaDevices || !("getDisplayMedia" in navigator.mediaDevices);
    this.#button("full_screen").hidden = !document.fullscreenEnabled;
    document.addEventListener("fullscreenchange", this.#on_full_screen);
    this.#stop_keys = listen_for_keys({ m: () => this.toggle_mic(), v: () => this.toggle_camera(), h: () => this.#in_group(() => this.toggle_hand()), g: () => this.#in_group(() => this.#fire("layout")) });
    this.render();
  }

  toggle_mic() {
    if (!this.#has("audio")) {
      announce(t("call_no_microphone"));
      return;
    }
    const on = !this.client.local_media.mic;
    this.client.set_mic(on);
    announce(t(on ? "call_mic_now_on" : "call_mic_now_off"));
  }

  toggle_camera() {
    if (!this.#has("video")) {
      announce(t("call_no_camera"));
      return;
    }
    const on = !this.client.local_media.camera;
    this.client.set_camera(on);
    announce(t(on ? "call_camera_now_on" : "call_camera_now_off"));
  }

  toggle_hand() {
    const up = !this.client.local_media.hand;
    this.client.raise_hand(up);
    announce(t(up ? "call_hand_now_up" : "call_hand_now_down"));
  }

  async toggle_share() {
    try {
      await this.client.share_screen(!this.client.local_media.screen);
    } catch (error) {
      const kind = /** @type {{kind?: string}} */ (error).kind;
      if (kind !== "cancelled") this.#fire("trouble", "call_share_failed");
    }
  }

  /** Draws what this person sends. */
  render() {
    const { mic, camera, screen, hand } = this.client.local_media;
    this.#render_toggle("hand", hand, true, hand ? "call_lower_hand" : "call_raise_hand");
    this.#render_toggle("mic", mic, this.#has("audio"), mic ? "call_mute" : "call_unmute");
    this.#render_toggle("camera", camera, this.#has("video"), camera ? "call_stop_camera" : "call_start_camera");
    this.#render_toggle("share", screen, true, screen ? "call_stop_screen" : "call_show_screen");
    if (this.#sharing !== screen) show(this.root, "sharing", screen);
    this.#sharing = screen;
  }

  /** @param {boolean} open @param {number} unread */
  render_chat(open, unread) {
    this.#button("chat").setAttribute("aria-expanded", String(open));
    show(this.bar, "chat_count", unread > 0);
    write(this.bar, "chat_count", String(unread));
  }

  /** @param {boolean} open */
  render_people(open) {
    this.#button("people").setAttribute("aria-expanded", String(open));
  }

  /** What makes sense only among several people. @param {{layout: import("../lib/stage_order.js").Layout, has_choice: boolean}} stage */
  render_stage({ layout, has_choice }) {
    for (const name of ["layout", "hand"]) this.#button(name).hidden = !has_choice;
    const button = this.#button("layout");
    button.dataset.on = String(layout === "grid");
    write(button, "layout_label", t(layout === "grid" ? "call_layout_speaker" : "call_layout_grid"));
  }

  /** The button that opens `name`, to give the focus back. @param {"chat"|"people"|"devices"} name */
  button(name) {
    return this.#button(name);
  }

  close() {
    this.#stop_keys();
    document.removeEventListener("fullscreenchange", this.#on_full_screen);
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
  }

  /** A key must not do what no button offers. @param {() => void} act */
  #in_group(act) {
    if (!this.#button("hand").hidden) act();
  }

  /** @param {"audio"|"video"} slot */
  #has(slot) {
    return this.client.local_media.sends.includes(slot);
  }

  /** @param {string} name @param {boolean} on @param {boolean} there @param {string} label_key */
  #render_toggle(name, on, there, label_key) {
    const button = this.#button(name);
    button.dataset.on = String(on);
    if (there) button.removeAttribute("aria-disabled");
    else button.setAttribute("aria-disabled", "true");
    const missing = name === "mic" ? "call_no_microphone" : "call_no_camera";
    write(button, `${name}_label`, t(there ? label_key : missing));
  }

  #toggle_more() {
    const open = this.bar.dataset.more !== "true";
    this.bar.dataset.more = String(open);
    this.#button("more").setAttribute("aria-expanded", String(open));
  }

  async #toggle_full_screen() {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await document.documentElement.requestFullscreen();
    } catch {
      // The browser may refuse, for example inside a locked kiosk: the page simply stays as large as it was.
    }
  }

  #render_full_screen() {
    const full = document.fullscreenElement !== null;
    this.#button("full_screen").dataset.on = String(!full);
    write(this.#button("full_screen"), "full_screen_label", t(full ? "call_small_screen" : "call_full_screen"));
  }

  /** @param {string} name */
  #button(name) {
    return find_button(this.bar, `[data-control=${name}]`);
  }

  /** @param {string} name @param {() => void} act */
  #on(name, act) {
    // A listener on the button lives as long as the button; `closed` views have hidden theirs.
    this.#button(name).onclick = act;
  }

  /** @param {string} type @param {string} [detail] */
  #fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
