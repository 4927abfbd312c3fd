// The call as both people see it: tiles, own picture, controls, chat, and the truth about the connection in words.
// It draws what a CallClient tells; who may be here and what happens after leaving is the page's business.
//
//   const view = new CallView({ root, client, stream, on_leave });   root: #call of rooms/_call.html; ... view.close();

import { format_duration } from "../lib/duration.js";
import { path_words, quality_words } from "../lib/call_words.js";
import { CallControls } from "./call_controls.js";
import { DeviceDialog } from "./call_devices.js";
import { OwnPicture } from "./call_self.js";
import { TileGrid } from "./call_tiles.js";
import { ChatView } from "./chat_view.js";
import { announce, find, find_button, find_html, show, write } from "./dom.js";
import { t } from "./texts.js";

/**
 * @typedef {import("../call/call_client.js").CallClient} CallClient
 * @typedef {{id: string, role: string, name: string, state: string, present: boolean, registration?: string, details?: {callback_number: string}|null}} Person
 * @typedef {{mic: boolean, camera: boolean, screen: boolean}} PeerMedia
 *
 * @typedef {object} CallViewOptions
 * @property {HTMLElement} root
 * @property {CallClient} client
 * @property {MediaStream|null} stream what this person sends; tracks may come and go in it
 * @property {() => void} on_leave the person pressed Leave
 * @property {() => Promise<unknown>} [on_retry_devices] asks for camera and microphone again, in a click
 */

const CLOCK_MS = 1000;
/** The server may be away for a moment without anybody noticing. */
const TELL_SERVER_AFTER_MS = 3000;

export class CallView {
  /** @type {{state: string, route: string}} */
  #path = { state: "none", route: "" };
  /** @type {{word: string, factor: string|null}|null} */
  #verdict = null;
  /** @type {Map<string, PeerMedia>} */
  #media = new Map();
  /** @type {Map<string, Person>} people who were drawn last, to tell who came and went */
  #people = new Map();
  /** @type {number|null} */
  #live_since_ms = null;
  #was_lost = false;
  #server_away = false;
  #alone_text = "";
  /** @type {number|undefined} */
  #server_timer;
  /** @type {number} */
  #clock;
  #listening = new AbortController();

  /** @param {CallViewOptions} options */
  constructor({ root, client, stream, on_leave, on_retry_devices }) {
    this.root = root;
    this.client = client;
    this.stream = stream;
    this.stage = find_html(root, "[data-part=stage]");
    this.viewer = root.dataset.viewer === "practitioner" ? "practitioner" : "patient";
    this.tiles = new TileGrid(find_html(root, "[data-part=tiles]"), find(root, "template[data-part=tile]", HTMLTemplateElement));
    this.own = new OwnPicture(this.stage);
    this.controls = new CallControls(root, client);
    this.chat = new ChatView(root, client, (id) => this.#name_of(id));
    this.devices = new DeviceDialog(root, client, () => this.stream);
    this.#wire(on_leave, on_retry_devices);
    this.#listen();
    this.#clock = window.setInterval(() => this.#draw_clock(), CLOCK_MS);
    root.hidden = false;
    if (client.state) this.#take_state();
    this.#take_path(client.path);
    this.#draw_own();
  }

  /** Another stream to show as the own picture. @param {MediaStream|null} stream */
  set_stream(stream) {
    this.stream = stream;
    this.#draw_own();
  }

  /** What stands under the own picture while nobody else is in the visit. @param {string} text "" for the usual sentence */
  set_alone_text(text) {
    this.#alone_text = text;
    this.#draw();
  }

  /**
   * Explains why camera or microphone do not work, with what to do; null when they do.
   * @param {"blocked"|"missing"|"busy"|"lost"|null} kind
   */
  set_device_trouble(kind) {
    show(this.root, "device_trouble", kind !== null);
    if (!kind) return;
    write(this.root, "device_trouble", t(`call_device_${kind}`));
    write(this.root, "device_help", t(`call_device_${kind}_help`));
    announce(t(`call_device_${kind}`));
  }

  close() {
    this.#listening.abort();
    window.clearInterval(this.#clock);
    window.clearTimeout(this.#server_timer);
    this.controls.close();
    this.chat.hide();
    this.devices.close();
    this.tiles.close();
    this.own.close();
    this.root.hidden = true;
  }

  /** @param {() => void} on_leave @param {(() => Promise<unknown>)|undefined} on_retry_devices */
  #wire(on_leave, on_retry_devices) {
    this.controls.addEventListener("leave", on_leave);
    this.controls.addEventListener("chat", () => this.chat.toggle());
    this.controls.addEventListener("devices", () => { void this.devices.open(); });
    this.controls.addEventListener("trouble", (event) => announce(t(/** @type {CustomEvent} */ (event).detail), { now: true }));
    this.chat.addEventListener("change", () => this.#draw_chat());
    this.devices.addEventListener("speaker", (event) => this.tiles.set_speaker(/** @type {CustomEvent} */ (event).detail));
    this.tiles.addEventListener("sound-blocked", () => show(this.root, "sound_blocked", true));
    this.tiles.addEventListener("frames", () => this.#draw_tiles());
    find_button(this.root, "[data-action=allow_sound]").onclick = () => {
      show(this.root, "sound_blocked", false);
      this.tiles.allow_sound();
    };
    find_button(this.root, "[data-action=stop_sharing]").onclick = () => { void this.controls.toggle_share(); };
    const retry = find_button(this.root, "[data-action=retry_devices]");
    retry.hidden = !on_retry_devices;
    retry.onclick = () => { void on_retry_devices?.(); };
  }

  #listen() {
    /** @param {string} type @param {(detail: any) => void} handle */
    const on = (type, handle) => this.client.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail), { signal: this.#listening.signal });
    on("state", () => this.#take_state());
    on("signaling", ({ up }) => this.#take_signaling(up));
    on("remote-track", ({ peer, slot, track }) => this.tiles.set_track(peer, slot, track));
    on("path", (path) => this.#take_path(path));
    on("quality", (verdict) => { this.#verdict = verdict; this.#draw_facts(); });
    on("peer-media", ({ peer, ...media }) => this.#take_media(peer, media));
    on("local-media", () => { this.controls.render(); this.#draw_own(); });
    on("device-lost", () => this.set_device_trouble("lost"));
    on("chat", ({ message }) => this.chat.draw(message));
  }

  get #now_ms() { return Date.now() + this.client.server_offset_ms; }

  /** @returns {any} */
  get #snapshot() { return this.client.state; }

  #take_state() {
    const snapshot = this.#snapshot;
    const inside = snapshot.me.state === "admitted";
    /** @type {Person[]} */
    const others = snapshot.participants.filter((/** @type {Person} */ person) => inside && person.state === "admitted" && person.id !== snapshot.me.id);
    const now = new Map(others.map((person) => [person.id, person]));
    for (const person of others) if (!this.#people.has(person.id)) announce(t("call_said_joined", { name: person.name }));
    for (const person of this.#people.values()) {
      if (now.has(person.id)) continue;
      this.#media.delete(person.id);
      announce(t("call_said_left", { name: person.name }));
    }
    this.#people = now;
    if (snapshot.room.live_at) this.#live_since_ms = Date.parse(snapshot.room.live_at);
    else if (others.length > 0) this.#live_since_ms ??= this.#now_ms;
    this.#draw();
  }

  /** @param {{state: string, route: string}} path */
  #take_path(path) {
    this.#path = path;
    if (path.state !== "connected") this.#verdict = null;
    this.#draw();
  }

  /** @param {string} peer @param {PeerMedia} media */
  #take_media(peer, media) {
    const before = this.#media.get(peer);
    this.#media.set(peer, media);
    const name = this.#name_of(peer);
    if (before && before.mic !== media.mic) announce(t(media.mic ? "call_said_unmuted" : "call_said_muted", { name }));
    if (before && before.camera !== media.camera) announce(t(media.camera ? "call_said_camera_on" : "call_said_camera_off", { name }));
    if (media.screen && !before?.screen) announce(t("call_said_sharing", { name }));
    this.#draw_tiles();
  }

  /** @param {boolean} up */
  #take_signaling(up) {
    window.clearTimeout(this.#server_timer);
    this.#server_away = false;
    if (!up) this.#server_timer = window.setTimeout(() => { this.#server_away = true; this.#draw_loss(); }, TELL_SERVER_AFTER_MS);
    this.#draw_loss();
  }

  #draw() {
    const alone = this.#people.size === 0;
    this.root.dataset.phase = alone ? "alone" : "together";
    const names = [...this.#people.values()].map(({ name }) => name).join(", ");
    write(this.root, "call_title", alone ? t("call_title_alone") : t("call_with", { names }));
    write(this.root, "alone", this.#alone_text || t(`call_alone_${this.viewer}`));
    show(this.root, "alone", alone);
    this.#draw_tiles();
    this.#draw_facts();
    this.#draw_loss();
    this.#draw_clock();
    this.#draw_own();
    this.chat.set_connected(this.#path.state === "connected");
  }

  #draw_tiles() {
    const peers = new Set((this.#snapshot?.join?.peers ?? []).map((/** @type {{id: string}} */ peer) => peer.id));
    this.tiles.render([...this.#people.values()].map((person) => {
      const media = this.#media.get(person.id) ?? { mic: true, camera: true, screen: false };
      return { person, state: { ...media, path: peers.has(person.id) ? this.#path.state : "none" } };
    }));
  }

  #draw_facts() {
    const words = path_words(this.#people.size === 0 ? [] : [this.#path]);
    const name = this.#first_name();
    write(this.root, "route", t(`call_route_${words.route}`, { name }));
    find_html(this.root, "[data-testid=route]").dataset.route = words.encrypted ? words.route : "";
    write(this.root, "privacy", t(words.encrypted ? "call_privacy_encrypted" : "call_privacy_pending"));
    find_html(this.root, "[data-fact=privacy]").dataset.known = String(words.encrypted);
    const quality = quality_words(this.#verdict, words);
    write(this.root, "quality", t(quality.key));
    find_html(this.root, "[data-fact=quality]").dataset.word = quality.key.replace("call_quality_", "");
    show(this.root, "quality_tip", quality.tip !== null);
    if (quality.tip) write(this.root, "quality_tip", t(quality.tip));
  }

  #draw_loss() {
    const lost = this.#people.size > 0 && (this.#path.state === "lost" || this.#path.state === "failed");
    this.root.dataset.lost = String(lost);
    if (lost) this.#write_loss();
    show(this.root, "loss", lost);
    // One trouble at a time: while nobody is seen or heard, the way to our server is not what matters.
    show(this.root, "server_lost", this.#server_away && !lost);
    if (lost !== this.#was_lost) {
      const title = t("call_loss_title", { name: this.#first_name() });
      announce(lost ? `${title}. ${this.#loss_phone()?.spoken ?? ""}` : t("call_said_back"), { now: true });
    }
    this.#was_lost = lost;
  }

  #write_loss() {
    const name = this.#first_name();
    const phone = this.#loss_phone();
    write(this.root, "loss_title", t("call_loss_title", { name }));
    write(this.root, "loss_body", t(`call_${this.#path.state === "failed" ? "failed" : "loss"}_body_${this.viewer}`));
    show(this.root, "loss_phone", phone !== null);
    if (!phone) return;
    write(this.root, "loss_phone_label", phone.label);
    const link = find(this.root, "[data-link=loss_phone]", HTMLAnchorElement);
    link.textContent = phone.number;
    link.href = `tel:${phone.number.replace(/[^+\d]/g, "")}`;
  }

  /** Whom to call instead: the practice for a patient, the call-back number for the practitioner (CLIN-3). */
  #loss_phone() {
    const name = this.#first_name();
    const called = [...this.#people.values()].find((person) => person.details?.callback_number);
    const number = this.viewer === "patient" ? this.#snapshot?.room.clinic.phone : called?.details?.callback_number;
    if (!number) return null;
    const label = t(`call_loss_phone_${this.viewer}`, { name: called?.name ?? name });
    return { number, label, spoken: `${label} ${number}` };
  }

  #draw_clock() {
    const running = this.#live_since_ms !== null && this.#people.size > 0;
    show(this.root, "timer", running);
    if (running && this.#live_since_ms !== null) write(this.root, "timer", format_duration(this.#now_ms - this.#live_since_ms));
  }

  #draw_own() {
    const { mic, camera, sends } = this.client.local_media;
    this.own.render({ stream: this.stream, mic, camera, has_camera: sends.includes("video"), has_microphone: sends.includes("audio") });
  }

  #draw_chat() {
    this.root.dataset.chat = this.chat.is_open ? "open" : "closed";
    this.controls.render_chat(this.chat.is_open, this.chat.unread);
    // A hidden element keeps the focus until the next frame, then nobody has it.
    const { activeElement } = document;
    if (!this.chat.is_open && (activeElement === document.body || this.chat.panel.contains(activeElement))) this.controls.button("chat").focus();
  }

  #first_name() {
    return [...this.#people.values()][0]?.name ?? "";
  }

  /** @param {string} id */
  #name_of(id) {
    if (id === this.#snapshot?.me.id) return t("call_you");
    return this.#people.get(id)?.name ?? this.#snapshot?.participants.find((/** @type {Person} */ person) => person.id === id)?.name ?? "";
  }
}
