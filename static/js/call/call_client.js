/**
 * A page's side of a visit: the socket, what this person sends, and the media path the server asks for: from browser to
 * browser for two, through the clinic's media server for more. The path may become another one during the visit; a page
 * sees that only in "path" and in the tracks, which change over.
 *
 * Events (CustomEvents). Between two, `peer` is the other person; on the server it is any of them:
 *   "state"        Snapshot, whenever the server sends one
 *   "signaling"    {up}: the socket to the server; a call goes on without it
 *   "notice"       {code: "restart", in_ms}: this server ends then; another one takes over, or the visit breaks off
 *   "remote-track" {peer, slot: "audio"|"video"|"screen", track}: bind each to an element. track null: nothing of that
 *                  slot is received any more. On the server the same track may come again for another person
 *   "path"         {state: "none"|"connecting"|"connected"|"lost"|"failed", route: "direct"|"relay"|"server"|"", local, remote,
 *                  protocol, rtt_ms}; this page's own way: to the peer, or to the server ("server"; local "relay": by a relay)
 *   "moved"        {engine: "p2p"|"sfu"}: everything that is seen and heard comes over another route now
 *   "remedy"       ""|"lowered"|"audio_first"|"audio_only": what this page does about a thin way to the other one
 *   "heartbeat"    {peer, state: "alive"|"lost", silence_ms}
 *   "quality"      {word: "good"|"fair"|"poor", factor, rates}, once a second while connected: this page's own connection;
 *                  on the server also {layers: [{mid, height}], target_bps}
 *   "peer-quality" {peer, word, factor, rtt_ms, loss, height}, once a second for each person on the server: what is received
 *                  of them and what the server says of their connection, the worse of both. height: of the picture sent now
 *   "speakers"     {order: [peer], speaking: [peer]}: on the server, the last speaker first; contains this person too
 *   "peer-media"   {peer, mic, camera, screen, hand, hand_at_ms, sends}
 *   "local-media"  {mic, camera, screen, hand, hand_at_ms, sends}
 *   "device-lost"  {kind: "audioinput"|"videoinput"}: a microphone or camera was pulled out
 *   "still"        {from, message}: a step of a picture in parts, unchecked (still_exchange.js)
 *   "chat"         {message, messages}: a new message (null after a reload's history) and the whole log
 *   "encryption"   {state: EncryptionState, mode, words: number[]|null, alarm}: what may be said about it now, from what was
 *                  counted (lib/encryption_badge.js); words: for word_lists.safety_words
 *   "key-changed"  {peer}: their device has another key than before, for example after a reload
 *   "refused"      {code, message}: the media server does not take this page now (full, draining); it is tried again
 *   "trouble"      Error: something that should not happen, for the console
 *   "closed"       {code, reason}: the server will not have this page any more
 *
 * @import { Message, Snapshot } from "../lib/protocol.js"
 * @import { Want } from "../lib/view_wants.js"
 * @import { PathReport } from "./media_path.js"
 */

import { ChatLog, MAX_TEXT_LENGTH } from "../lib/chat_log.js";
import { EncryptionBadge } from "../lib/encryption_badge.js";
import { recorder_of } from "../lib/recorder_member.js";
import { FrameKeys } from "./frame_keys.js";
import { FrameTransforms, NOTHING_COUNTED } from "./frame_transforms.js";
import { IceServerSource } from "./ice_server_source.js";
import { LocalMedia } from "./local_media.js";
import { PathKeeper } from "./path_keeper.js";
import { SignalingSocket } from "./signaling_socket.js";

const TICK_MS = 250;
const ENCRYPTION_EVERY_MS = 1000;
const TOLD_STATES = ["connecting", "connected", "lost", "failed"];

export class CallClient extends EventTarget {
  #socket;
  #transforms;
  #keys;
  #encryption = new EncryptionBadge();
  #encryption_told = "";
  #ice_servers;
  #local = new LocalMedia();
  #chat = new ChatLog();
  /** @type {Message|null} */
  #snapshot = null;
  #paths;
  #told = "";
  /** What to add to this device's clock to get the server's: phones are often minutes off. */
  server_offset_ms = 0;
  /** @type {import("../lib/encryption_state.js").EncryptionState} */
  #encryption_state = "pending";
  /** @type {ReturnType<typeof setInterval>} */
  #encryption_timer;
  #started = false;
  #closed = false;

  /** @param {{ws_url: string, worker_url: string, page_id: string}} options page_id: 8 to 36 url-safe characters, random per page load */
  constructor({ ws_url, worker_url, page_id }) {
    super();
    this.page_id = page_id;
    this.#socket = new SignalingSocket({ ws_url, page_id });
    this.#ice_servers = new IceServerSource(() => this.#socket.request("ice_servers"));
    this.#transforms = new FrameTransforms(worker_url, TICK_MS);
    this.#keys = new FrameKeys({
      transforms: this.#transforms,
      can_encrypt: FrameTransforms.supported,
      send: (message) => this.#socket.send(message),
    });
    this.#paths = new PathKeeper({
      page_id: () => this.page_id,
      me: () => this.state?.me.id ?? "",
      socket_up: () => this.#socket.is_up,
      send: (message) => this.#socket.send(message),
      request: (type, payload) => this.#socket.request(type, payload),
      renew_page: () => this.#renew_page(),
      ice_servers: (if_older) => this.#ice_servers.get(if_older),
      room: () => String(this.state?.room.code ?? ""),
      transforms: this.#transforms,
      keys: this.#keys,
      local: this.#local,
    });
    this.#encryption_timer = setInterval(() => { void this.#watch_encryption(); }, ENCRYPTION_EVERY_MS);
    this.#listen();
  }

  /** @returns {Snapshot|null} the last snapshot */
  get state() {
    return /** @type {Snapshot|null} */ (this.#snapshot);
  }

  get messages() {
    return this.#chat.messages;
  }

  get local_media() {
    return this.#local.state;
  }

  /** @returns {PathReport|{state: "none", route: ""}} */
  get path() {
    return this.#paths.path?.report ?? { state: "none", route: "" };
  }

  /**
   * Connects. Call again with another stream to send that instead, for example when the camera was opened later.
   *
   * @param {MediaStream|null} stream null to come without camera and microphone
   */
  start(stream) {
    this.#local.use(stream);
    if (this.#started || this.#closed) return;
    this.#started = true;
    this.#socket.open();
  }

  /** @param {boolean} on */
  set_mic(on) {
    this.#local.enable("mic", on);
  }

  /** @param {boolean} on */
  set_camera(on) {
    this.#local.enable("camera", on);
  }

  /** @param {boolean} raised */
  raise_hand(raised) {
    this.#local.raise_hand(raised ? Math.round(Date.now() + this.server_offset_ms) : 0);
  }

  /**
   * @param {"audioinput"|"videoinput"} kind the speaker is the page's: setSinkId of its elements
   * @param {string} device_id
   */
  switch_device(kind, device_id) {
    return this.#local.switch_device(kind, device_id);
  }

  /** @param {boolean} on */
  share_screen(on) {
    return this.#local.share_screen(on);
  }

  /**
   * Says what the page shows of the others, for the media server to send no more than that. Call it whenever a tile
   * changes its size; it is sent when it has settled. Between two it means nothing.
   *
   * @param {Want[]} view a tile with height 0 is not shown; who is not named is not sent at all
   */
  set_view(view) {
    this.#paths.set_view(view);
  }

  /** Says that a track is seen or heard now: the path that it came over before may close. @param {MediaStreamTrack} track */
  note_shown(track) {
    this.#paths.note_shown(track);
  }

  /** Whether the clinic has a relay, as far as this page was told. */
  get has_relay() {
    return this.#ice_servers.has_relay;
  }

  /** Nothing comes through: begin again with sound alone. */
  send_sound_first() {
    this.#paths.path?.send_sound_first();
  }

  /** @returns {import("../lib/quality_report.js").Remedy} */
  get remedy() {
    return this.#paths.path?.remedy ?? "";
  }

  /**
   * Sends a message to the others; without a connection it goes out with the history when there is one.
   *
   * @param {string} text cut after 4000 characters
   */
  send_chat(text) {
    const trimmed = text.trim().slice(0, MAX_TEXT_LENGTH);
    if (trimmed === "") return;
    const message = { id: crypto.randomUUID(), from: this.state?.me.id ?? "", at_ms: Date.now(), text: trimmed };
    if (!this.#chat.add(message)) return;
    this.#paths.path?.send_chat(message);
    this.#emit("chat", { message, messages: this.messages });
  }

  /** How much of a picture one message takes now; 0: no picture can be sent. */
  get still_part_bytes() {
    return this.#paths.path?.still_part_bytes ?? 0;
  }

  /**
   * Sends one step of a picture in parts (still_exchange.js) to one person.
   *
   * @param {string} peer
   * @param {Record<string, unknown>} still
   * @returns {Promise<boolean>} when the next may follow; false: it did not leave
   */
  async send_still(peer, still) {
    return (await this.#paths.path?.send_still(peer, still)) ?? false;
  }

  /** The camera that is sent, null for none. */
  get camera() {
    return this.#local.tracks.video;
  }

  /**
   * Asks the server: admit, admit_device, remove, finish, leave.
   *
   * @param {string} type
   * @param {Record<string, unknown>} [payload]
   * @returns {Promise<Message>} rejects with RequestError {code, message}
   */
  request(type, payload) {
    return this.#socket.request(type, payload);
  }

  /** Frames the transforms carried for the current path, by "send:audio", "receive:video", ... */
  async count_frames() {
    return (await this.#count()).frames;
  }

  /** How many of them were sealed, opened, and so on. */
  async count_crypto() {
    return (await this.#count()).crypto;
  }

  /** What may be said about the encryption now. */
  get encryption() {
    const { mode, words, alarm } = this.#keys;
    return { state: this.#encryption_state, mode, words, alarm };
  }

  /** Ends the connection and switches the devices off. The visit goes on: to say goodbye, request("leave") first. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#paths.drop();
    this.#socket.close();
    clearInterval(this.#encryption_timer);
    this.#transforms.close();
    this.#local.stop();
  }

  #listen() {
    /** @param {EventTarget} source @param {string} type @param {(detail: any) => void} handle */
    const on = (source, type, handle) => source.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail));
    on(this.#socket, "welcome", (message) => {
      this.server_offset_ms = message.server_time_ms - Date.now();
      this.#take_state(message.state);
    });
    on(this.#socket, "state", (message) => this.#take_state(message.state));
    on(this.#socket, "notice", ({ code, in_ms }) => this.#emit("notice", { code, in_ms }));
    on(this.#socket, "up", () => this.#signaling_changed(true));
    on(this.#socket, "down", () => this.#signaling_changed(false));
    for (const type of ["signal", "ack"]) on(this.#socket, type, (message) => this.#paths.receive(message));
    on(this.#socket, "sfu", (message) => {
      if (message.type !== "said" || !this.#keys.receive(message.from, message.body)) this.#paths.receive(message);
    });
    on(this.#keys, "said", ({ from, body }) => this.#paths.receive({ type: "said", from, body }));
    on(this.#keys, "missing", ({ from }) => this.#paths.ask_again(from));
    on(this.#keys, "change", () => this.#tell_encryption());
    on(this.#keys, "changed", (detail) => this.#emit("key-changed", detail));
    on(this.#socket, "closed", (detail) => {
      this.#paths.drop();
      this.#emit("closed", detail);
    });
    on(this.#paths, "event", (event) => this.#take_path_event(event));
    on(this.#paths, "moved", (detail) => {
      this.#emit("moved", detail);
      void this.#watch_encryption();
    });
    on(this.#paths, "unknown-engine", (engine) => this.#emit("trouble", new Error(`unknown engine ${engine}`)));
    on(this.#local, "change", (media) => this.#emit("local-media", media));
    on(this.#transforms, "trouble", (error) => this.#emit("trouble", error));
    on(this.#local, "device-lost", (detail) => this.#emit("device-lost", detail));
  }

  /** @param {any} snapshot */
  #take_state(snapshot) {
    this.#snapshot = snapshot;
    this.#emit("state", snapshot);
    this.#follow();
  }

  /** @param {boolean} up */
  #signaling_changed(up) {
    this.#emit("signaling", { up });
    if (up) this.#told = "";
    this.#follow();
    if (up && this.#paths.path) this.#tell_server(this.#paths.path.report);
  }

  #follow() {
    if (!this.state || this.#closed) return;
    // Keys first: a path that is built finds out whom to expect.
    this.#keys.follow(this.state, this.page_id);
    this.#paths.follow(this.state);
  }

  #renew_page() {
    this.page_id = crypto.randomUUID();
    this.#socket.renew(this.page_id);
  }

  /**
   * @param {{path: import("./media_path.js").MediaPath, peer_id: string, type: string, detail: any}} event peer_id: "" on
   *   a path that serves everybody, whose events name the person
   */
  #take_path_event({ path, peer_id, type, detail }) {
    const peer = detail?.peer ?? peer_id;
    switch (type) {
      case "change":
        this.#emit("path", detail);
        this.#tell_server(detail);
        // The same network may have carried the socket: find out now, an ICE restart needs it.
        if (detail.state === "lost") this.#socket.probe();
        break;
      case "pulse":
        this.#emit("heartbeat", { peer, ...detail });
        if (peer_id && detail.state === "lost") this.#socket.probe();
        break;
      case "open":
        path.send_history(this.messages, peer);
        break;
      case "chat":
        this.#take_chat([{ ...(peer_id ? detail : detail.message), from: peer }], true);
        break;
      case "history":
        this.#take_chat(peer_id ? detail : detail.messages, false);
        break;
      case "still":
        this.#emit("still", { from: peer, message: peer_id ? detail : detail.message });
        break;
      case "remote-track":
      case "peer-media":
        this.#emit(type, { peer, ...detail });
        break;
      default:
        this.#emit(type, detail);
    }
  }

  async #count() {
    return (await this.#paths.path?.count()) ?? NOTHING_COUNTED;
  }

  async #watch_encryption() {
    const readings = new Map(await Promise.all(this.#paths.carrying.map(async ({ path }) => {
      const connection = path.connection_name;
      return /** @type {const} */ ([path, { connection, counts: await path.count() }]);
    })));
    if (this.#closed) return;
    // What was built meanwhile counts from zero.
    const paths = this.#paths.carrying.map(({ path, shown }) => {
      const { connection_name: connection, report: { route, state } } = path;
      const read = readings.get(path);
      const counts = read?.connection === connection ? read.counts : NOTHING_COUNTED;
      return { connection, counts, route, connected: state === "connected", shown };
    });
    this.#encryption_state = this.#encryption.judge({
      at_ms: performance.now(),
      paths,
      alarm: this.#keys.alarm !== null,
      clear_agreed: this.#keys.mode === "off",
      recorder_has_key: this.state !== null && recorder_of(this.state) !== null,
    });
    this.#tell_encryption();
  }

  #tell_encryption() {
    if (this.#keys.alarm) this.#encryption_state = "alarm";
    const told = JSON.stringify(this.encryption);
    if (told === this.#encryption_told) return;
    this.#encryption_told = told;
    this.#emit("encryption", this.encryption);
  }

  /** @param {unknown[]} candidates @param {boolean} live */
  #take_chat(candidates, live) {
    const added = candidates.filter((candidate) => this.#chat.add(candidate));
    if (added.length > 0) this.#emit("chat", { message: live ? added[0] : null, messages: this.messages });
  }

  /** @param {PathReport} report */
  #tell_server({ state, route, local, remote, relay, rtt_ms }) {
    const words = `${state} ${route}`;
    if (!TOLD_STATES.includes(state) || words === this.#told) return;
    const rounded = rtt_ms === null ? null : Math.round(rtt_ms);
    if (this.#socket.send({ type: "path", report: { state, route, local, remote, relay, rtt_ms: rounded } })) this.#told = words;
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
