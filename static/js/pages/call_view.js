// The call as everybody sees it: tiles, own picture, controls, chat, people, and the truth about the connection in words.
// It draws what a CallClient tells; who may be here and what happens after leaving is the page's business.
//
//   const view = new CallView({ root, client, stream, on_leave });   root: #call of rooms/_call.html; ... view.close();

import { rescue_step } from "../lib/rescue.js";
import { Roster } from "../lib/roster.js";
import { keep_order } from "../lib/stage_order.js";
import { CallControls } from "./call_controls.js";
import { DeviceDialog } from "./call_devices.js";
import { LossBanner } from "./call_loss.js";
import { PeoplePanel } from "./call_people.js";
import { RecordingView } from "./call_recording.js";
import { RestartNotice } from "./call_restart.js";
import { StillView } from "./call_still.js";
import { PrivacyPanel } from "./call_privacy.js";
import { RouteView } from "./call_route.js";
import { OwnPicture } from "./call_self.js";
import { Stage } from "./call_stage.js";
import { TileGrid } from "./call_tiles.js";
import { TopLine } from "./call_top.js";
import { Wants } from "./call_wants.js";
import { ChatView } from "./chat_view.js";
import { announce, find, find_button, find_html, show, write } from "./dom.js";
import { t } from "./texts.js";

/**
 * @typedef {import("../call/call_client.js").CallClient} CallClient
 * @typedef {{id: string, role: string, name: string, state: string, present: boolean, registration?: string, details?: {callback_number: string}|null}} Person
 *
 * @typedef {object} CallViewOptions
 * @property {HTMLElement} root
 * @property {CallClient} client
 * @property {MediaStream|null} stream what this person sends; tracks may come and go in it
 * @property {() => import("./call_still.js").ConsentWords|null} [keep_words] what this person is told about keeping pictures
 * @property {() => void} on_leave the person pressed Leave
 * @property {() => Promise<unknown>} [on_retry_devices] asks for camera and microphone again, in a click
 */

const CLOCK_MS = 1000;
/** The server may be away for a moment without anybody noticing. */
const TELL_SERVER_AFTER_MS = 3000;
/** Whom a visit is about: their absence is told to the other with a phone number. @type {Record<string, string>} */
const COUNTERPART = { practitioner: "patient", patient: "practitioner" };

export class CallView {
  /** @type {{state: string, route: string}} */
  #path = { state: "none", route: "" };
  /** @type {{word: string, factor: string|null}|null} */
  #verdict = null;
  #roster = new Roster();
  /** @type {Map<string, Person>} people who were drawn last, to tell who came and went */
  #people = new Map();
  /** @type {string[]} */
  #order = [];
  /** @type {{code: string, text: string}|null} a refusal of the server that carries the media */
  #refused = null;
  /** @type {number|null} */
  #live_since_ms = null;
  #server_away = false;
  /** @type {{at_ms: number, engine: string}|null} */
  #lost_since = null;
  #alone_text = "";
  /** @type {number|undefined} */
  #server_timer;
  /** @type {number} */
  #clock;
  #listening = new AbortController();

  /** @param {CallViewOptions} options */
  constructor({ root, client, stream, on_leave, on_retry_devices, keep_words = () => null }) {
    this.root = root;
    this.client = client;
    this.stream = stream;
    this.stage_element = find_html(root, "[data-part=stage]");
    this.viewer = /** @type {"patient"|"practitioner"} */ (root.dataset.viewer);
    this.tiles = new TileGrid(find_html(root, "[data-part=tiles]"), find(root, "template[data-part=tile]", HTMLTemplateElement));
    this.own = new OwnPicture(this.stage_element);
    this.stage = new Stage(this.stage_element, this.tiles, this.own);
    this.wants = new Wants(this.tiles, () => this.stage.pinned, (wants) => this.client.set_view(wants));
    this.top = new TopLine(root);
    this.privacy = new PrivacyPanel(root, client, (id) => this.#name_of(id));
    this.loss = new LossBanner(root, this.viewer);
    this.controls = new CallControls(root, client);
    this.chat = new ChatView(root, client, (id) => this.#name_of(id));
    this.people = new PeoplePanel(root);
    this.recording = new RecordingView(root, client, (id) => this.#name_of(id));
    this.still = new StillView(root, client, keep_words);
    this.route = new RouteView(root, client);
    this.restart = new RestartNotice(root);
    this.devices = new DeviceDialog(root, client, () => this.stream);
    this.#wire(on_leave, on_retry_devices);
    this.#listen();
    this.#clock = window.setInterval(() => this.#draw_clock(), CLOCK_MS);
    root.hidden = false;
    if (client.state) this.#take_state();
    this.#take_path(client.path);
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
    for (const part of [this.wants, this.stage, this.controls, this.privacy, this.route, this.devices, this.tiles, this.own, this.still]) part.close();
    this.chat.hide();
    this.people.hide();
    this.root.hidden = true;
  }

  /** @param {() => void} on_leave @param {(() => Promise<unknown>)|undefined} on_retry_devices */
  #wire(on_leave, on_retry_devices) {
    const { controls, stage, tiles } = this;
    controls.addEventListener("leave", on_leave);
    controls.addEventListener("chat", () => this.chat.toggle());
    controls.addEventListener("people", () => this.people.toggle());
    controls.addEventListener("layout", () => this.#toggle_layout());
    controls.addEventListener("devices", () => { void this.devices.open(); });
    controls.addEventListener("trouble", (event) => announce(t(/** @type {CustomEvent} */ (event).detail), { now: true }));
    this.chat.addEventListener("change", () => this.#panel_changed("chat"));
    this.people.addEventListener("change", () => this.#panel_changed("people"));
    this.devices.addEventListener("speaker", (event) => tiles.set_speaker(/** @type {CustomEvent} */ (event).detail));
    tiles.addEventListener("sound-blocked", () => show(this.root, "sound_blocked", true));
    tiles.addEventListener("frames", () => this.#draw_tiles());
    tiles.addEventListener("shown", (event) => this.client.note_shown(/** @type {CustomEvent} */ (event).detail));
    tiles.addEventListener("pin", (event) => this.#pin(/** @type {CustomEvent} */ (event).detail));
    stage.addEventListener("change", () => {
      this.wants.follow();
      controls.render_stage({ layout: stage.layout, has_choice: stage.has_choice });
    });
    find_button(this.root, "[data-action=allow_sound]").onclick = () => {
      show(this.root, "sound_blocked", false);
      tiles.allow_sound();
    };
    find_button(this.root, "[data-action=stop_sharing]").onclick = () => { void controls.toggle_share(); };
    const retry = find_button(this.root, "[data-action=retry_devices]");
    retry.hidden = !on_retry_devices;
    retry.onclick = () => { void on_retry_devices?.(); };
  }

  #listen() {
    /** @param {string} type @param {(detail: any) => void} handle */
    const on = (type, handle) => this.client.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail), { signal: this.#listening.signal });
    on("state", () => this.#take_state());
    on("signaling", ({ up }) => this.#take_signaling(up));
    on("notice", ({ code, in_ms }) => { if (code === "restart") this.restart.tell(in_ms); });
    on("remote-track", ({ peer, slot, track }) => { this.tiles.set_track(peer, slot, track); this.#draw_tiles(); });
    on("path", (path) => this.#take_path(path));
    on("refused", ({ code, message }) => { this.#refused = { code, text: message }; this.#draw(); });
    on("quality", (verdict) => { this.#verdict = verdict; this.#draw_facts(); });
    on("peer-media", ({ peer, ...media }) => this.#tell(this.#roster.take_media(peer, media)));
    // Between two the path itself tells it.
    on("heartbeat", ({ peer, state }) => { if (this.#by_server && this.#people.has(peer)) this.#tell(this.#roster.take_pulse(peer, state)); });
    on("peer-quality", ({ peer, word, height }) => { this.#roster.take_quality(peer, word, height); this.#draw_people(); });
    on("speakers", (speakers) => { this.#roster.take_speakers(speakers); this.#draw_tiles(); });
    on("local-media", () => { this.controls.render(); this.#draw_people(); this.#draw_own(); });
    on("device-lost", () => this.set_device_trouble("lost"));
    on("chat", ({ message }) => this.chat.draw(message));
  }

  get #now_ms() { return Date.now() + this.client.server_offset_ms; }
  get #others() { return [...this.#people.values()]; }
  /** Why there is no sound and picture at all, or null. @returns {{code: string, text: string}|null} */
  get #refusal() { return this.#snapshot?.room.refusal ?? this.#refused; }
  get #by_server() { return this.#snapshot?.join?.engine === "sfu"; }

  /** @returns {any} */
  get #snapshot() { return this.client.state; }

  #take_state() {
    const snapshot = this.#snapshot;
    const inside = snapshot.me.state === "admitted";
    /** @type {Person[]} */
    const others = snapshot.participants.filter((/** @type {Person} */ person) => inside && person.state === "admitted" && person.id !== snapshot.me.id);
    const now = new Map(others.map((person) => [person.id, person]));
    for (const { id, name, role } of others) if (!this.#people.has(id)) announce(t("call_said_joined", { name, role: t(`call_role_${role}`) }));
    for (const { id, name } of this.#people.values()) if (!now.has(id)) announce(t("call_said_left", { name }));
    this.#roster.keep([...now.keys(), snapshot.me.id]);
    this.#order = keep_order(this.#order, others);
    this.#people = new Map(this.#order.map((id) => [id, /** @type {Person} */ (now.get(id))]));
    this.recording.draw(snapshot);
    this.still.draw(snapshot);
    this.route.draw();
    if (snapshot.room.live_at) this.#live_since_ms = Date.parse(snapshot.room.live_at);
    else if (others.length > 0) this.#live_since_ms ??= this.#now_ms;
    this.#draw();
  }

  /** @param {{state: string, route: string}} path */
  #take_path(path) {
    this.#path = path;
    if (path.state === "connected") this.#refused = null;
    else this.#verdict = null;
    this.still.set_path(path);
    this.#draw();
  }

  /** @param {import("../lib/roster.js").Said[]} said */
  #tell(said) {
    for (const { key, id } of said) announce(t(key, { name: this.#name_of(id) }));
    this.#draw_people();
    this.#draw_loss();
  }

  /** @param {boolean} up */
  #take_signaling(up) {
    window.clearTimeout(this.#server_timer);
    this.#server_away = false;
    if (up) this.restart.hide();
    if (!up) this.#server_timer = window.setTimeout(() => { this.#server_away = true; this.#draw_loss(); }, TELL_SERVER_AFTER_MS);
    this.#draw_loss();
  }

  #toggle_layout() {
    const layout = this.stage.layout === "grid" ? "speaker" : "grid";
    this.stage.set_layout(layout);
    announce(t(`call_said_layout_${layout}`));
  }

  /** @param {string} key */
  #pin(key) {
    this.stage.toggle_pin(key);
    const name = this.tiles.tiles.get(key)?.video.getAttribute("aria-label") ?? "";
    announce(t(this.stage.pinned === key ? "call_said_pinned" : "call_said_unpinned", { name }));
  }

  #draw() {
    const alone = this.#people.size === 0;
    this.root.dataset.phase = alone ? "alone" : this.#people.size > 1 ? "group" : "together";
    this.top.draw_title(this.#others);
    write(this.root, "alone", this.#alone_text || t(`call_alone_${this.viewer}`));
    show(this.root, "alone", alone);
    this.#draw_people();
    this.#draw_facts();
    this.#draw_loss();
    this.#draw_clock();
    this.#draw_own();
    this.chat.set_connected(this.#path.state === "connected");
    this.chat.set_promise(this.#by_server, this.client.encryption.mode !== "off");
  }

  #draw_people() {
    const { me } = this.#snapshot ?? {};
    // The own hand stands in the same queue as the others'.
    if (me) this.#roster.take_media(me.id, this.client.local_media);
    this.#draw_tiles();
    if (me) this.people.draw(me, this.#others, (id) => this.#roster.of(id), this.#roster.hands);
  }

  #draw_tiles() {
    const peers = new Set((this.#snapshot?.join?.peers ?? []).map((/** @type {{id: string}} */ peer) => peer.id));
    const path = (/** @type {string} */ id) => (this.#refusal ? "refused" : peers.has(id) ? this.#path.state : "none");
    this.tiles.render(this.#others.map((person) => ({ person, state: { ...this.#roster.of(person.id), path: path(person.id) } })));
    this.stage.arrange(this.#roster.speakers);
  }

  #draw_facts() {
    const paths = this.#people.size === 0 || this.#refusal ? [] : [this.#path];
    this.top.draw_facts(paths, this.#verdict, this.#others[0]?.name ?? "");
    this.privacy.draw(paths);
  }

  #draw_loss() {
    const room = this.#snapshot?.room;
    const away = this.#others.find(({ id, role }) => role === COUNTERPART[this.viewer] && this.#roster.of(id).lost) ?? null;
    const lost = this.loss.draw({
      step: this.#rescue_step(),
      path: this.#path,
      people: this.#others,
      clinic_phone: room?.clinic.phone ?? "",
      group: this.#by_server,
      away,
      refusal: this.#refusal,
    });
    // One trouble at a time: while nobody is seen or heard, the way to our server is not what matters.
    show(this.root, "server_lost", this.#server_away && !lost);
  }

  /** What is tried while nobody is seen or heard. */
  #rescue_step() {
    const engine = String(this.#snapshot?.join?.engine ?? "");
    const lost = this.#path.state === "lost" || this.#path.state === "failed";
    const since = this.#lost_since;
    if (!lost) this.#lost_since = null;
    else if (since?.engine !== engine) this.#lost_since = { at_ms: performance.now(), engine };
    if (!this.#lost_since) return null;
    const step = rescue_step({ lost_ms: performance.now() - this.#lost_since.at_ms, engine, has_relay: this.client.has_relay });
    if (step === "audio_only") this.client.send_sound_first();
    return step;
  }

  #draw_clock() {
    if (this.#lost_since) this.#draw_loss();
    const running = this.#live_since_ms !== null && this.#people.size > 0;
    this.top.draw_clock(running && this.#live_since_ms !== null ? this.#now_ms - this.#live_since_ms : null);
  }

  #draw_own() {
    const { mic, camera, sends } = this.client.local_media;
    const hand = this.#roster.of(this.#snapshot?.me.id ?? "").hand;
    this.own.render({ stream: this.stream, mic, camera, has_camera: sends.includes("video"), has_microphone: sends.includes("audio"), hand });
  }

  /** One panel at a time; the focus goes back to the button that opened it. @param {"chat"|"people"} name */
  #panel_changed(name) {
    const { chat, people } = this;
    if (name === "chat" && chat.is_open) people.hide();
    if (name === "people" && people.is_open) chat.hide();
    this.root.dataset.chat = chat.is_open ? "open" : "closed";
    this.controls.render_chat(chat.is_open, chat.unread);
    this.controls.render_people(people.is_open);
    const panel = name === "chat" ? chat.panel : people.panel;
    // A hidden element keeps the focus until the next frame, then nobody has it.
    const { activeElement } = document;
    if (panel.hidden && (activeElement === document.body || panel.contains(activeElement))) this.controls.button(name).focus();
  }

  /** @param {string} id */
  #name_of(id) {
    if (id === this.#snapshot?.me.id) return t("call_you");
    return this.#people.get(id)?.name ?? this.#snapshot?.participants.find((/** @type {Person} */ person) => person.id === id)?.name ?? "";
  }
}
