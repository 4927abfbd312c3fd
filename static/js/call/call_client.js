/**
 * A page's side of a visit: the socket, what this person sends, and one media path at a time.
 *
 * Events (CustomEvents):
 *   "state"        Snapshot, whenever the server sends one
 *   "signaling"    {up}: the socket to the server; a call goes on without it
 *   "remote-track" {peer, slot: "audio"|"video"|"screen", track}: bind each to an element, once per connection
 *   "path"         {state: "none"|"connecting"|"connected"|"lost"|"failed", route: "direct"|"relay"|"", local, remote, protocol, rtt_ms}
 *   "heartbeat"    {state: "alive"|"lost", silence_ms}
 *   "quality"      {word: "good"|"fair"|"poor", factor, rates}, once a second while connected
 *   "peer-media"   {peer, mic, camera, screen, hand, sends}
 *   "local-media"  {mic, camera, screen, hand, sends}
 *   "device-lost"  {kind: "audioinput"|"videoinput"}: a microphone or camera was pulled out
 *   "chat"         {message, messages}: a new message (null after a reload's history) and the whole log
 *   "trouble"      Error: something that should not happen, for the console
 *   "closed"       {code, reason}: the server will not have this page any more
 *
 * @import { JoinDescriptor, Message, Peer, Snapshot } from "../lib/protocol.js"
 * @import { MediaPath, PathReport } from "./media_path.js"
 */

import { ChatLog, MAX_TEXT_LENGTH } from "../lib/chat_log.js";
import { FrameTransforms } from "./frame_transforms.js";
import { IceServerSource } from "./ice_server_source.js";
import { LocalMedia } from "./local_media.js";
import { P2PPath } from "./p2p_path.js";
import { SignalingSocket } from "./signaling_socket.js";

/** A route this page does not know was invented after it was loaded. @type {Record<string, typeof P2PPath>} */
const ENGINES = { p2p: P2PPath };

const TICK_MS = 250;
const VERIFY_WITHIN_MS = 20_000;

export class CallClient extends EventTarget {
  #socket;
  #transforms;
  #ice_servers;
  #local = new LocalMedia();
  #chat = new ChatLog();
  /** @type {Message|null} */
  #snapshot = null;
  /** @type {MediaPath|null} */
  #path = null;
  /** Names the two page loads a path connects; another peer page needs another path. */
  #path_key = "";
  #peer_id = "";
  /** @type {RTCIceTransportPolicy} the current path was made under */
  #policy = "all";
  #told = "";
  /** What to add to this device's clock to get the server's: phones are often minutes off. */
  server_offset_ms = 0;
  #started = false;
  #closed = false;

  /** @param {{ws_url: string, worker_url: string, page_id: string}} options page_id: 8 to 36 url-safe characters, random per page load */
  constructor({ ws_url, worker_url, page_id }) {
    super();
    this.page_id = page_id;
    this.#socket = new SignalingSocket({ ws_url, page_id });
    this.#ice_servers = new IceServerSource(() => this.#socket.request("ice_servers"));
    this.#transforms = new FrameTransforms(worker_url, TICK_MS);
    this.#transforms.addEventListener("beat", () => this.#path?.tick(performance.now()));
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
    return this.#path?.report ?? { state: "none", route: "" };
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
    this.#local.raise_hand(raised);
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
   * Sends a message to the peer; without a connection it goes out with the history when there is one.
   *
   * @param {string} text cut after 4000 characters
   */
  send_chat(text) {
    const trimmed = text.trim().slice(0, MAX_TEXT_LENGTH);
    if (trimmed === "") return;
    const message = { id: crypto.randomUUID(), from: this.state?.me.id ?? "", at_ms: Date.now(), text: trimmed };
    if (!this.#chat.add(message)) return;
    this.#path?.send_chat(message);
    this.#emit("chat", { message, messages: this.messages });
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
    return (await this.#path?.count_frames()) ?? {};
  }

  /** Ends the connection and switches the devices off. The visit goes on: to say goodbye, request("leave") first. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#drop_path();
    this.#socket.close();
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
    on(this.#socket, "up", () => this.#signaling_changed(true));
    on(this.#socket, "down", () => this.#signaling_changed(false));
    for (const type of ["signal", "ack"]) {
      on(this.#socket, type, (message) => {
        if (message.from === this.#peer_id) this.#path?.receive_signal(message);
      });
    }
    on(this.#socket, "closed", (detail) => {
      this.#drop_path();
      this.#emit("closed", detail);
    });
    on(this.#local, "track", ({ slot, track }) => this.#path?.set_track(slot, track));
    on(this.#local, "change", (media) => {
      this.#path?.set_media(media);
      this.#emit("local-media", media);
    });
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
    if (up && this.#path) this.#tell_server(this.#path.report);
  }

  /** Makes the media path what the last snapshot asks for. */
  #follow() {
    const snapshot = this.state;
    if (!snapshot || this.#closed) return;
    const { join } = snapshot;
    const peer = join?.peers[0];
    if (!join || !peer || snapshot.room.state === "ended") {
      this.#drop_path();
      return;
    }
    const person = snapshot.participants.find(({ id }) => id === peer.id);
    if (this.#path && !peer.polite && this.#policy !== join.ice_transport_policy) {
      this.#renew_page(join.ice_transport_policy);
      return;
    }
    // A peer that is away keeps its path: it may be only the way to the server that broke.
    if (person?.page) {
      const key = `${join.engine} ${peer.id} ${person.page} ${peer.polite}`;
      if (key !== this.#path_key) this.#replace_path(key, join, peer, person.page);
    } else if (peer.id !== this.#peer_id) {
      this.#drop_path();
    }
    this.#path?.set_reachable(this.#socket.is_up, person?.present === true);
  }

  /**
   * Makes both sides build a new connection, by coming back as a new page; the impolite side does it. Hiding addresses
   * during a visit needs one: browsers keep a direct pair that works through any ICE restart.
   *
   * @param {RTCIceTransportPolicy} policy
   */
  #renew_page(policy) {
    this.#policy = policy;
    this.#path_key = "";
    this.page_id = crypto.randomUUID();
    this.#socket.renew(this.page_id);
  }

  /** @param {string} key @param {JoinDescriptor} descriptor @param {Peer} peer @param {string} peer_page */
  async #replace_path(key, descriptor, peer, peer_page) {
    const previous = this.#path;
    const Path = ENGINES[descriptor.engine];
    if (!Path) {
      this.#drop_path();
      this.#emit("trouble", new Error(`unknown engine ${descriptor.engine}`));
      return;
    }
    const path = new Path({
      page: this.page_id,
      peer_page,
      peer,
      descriptor,
      transforms: this.#transforms,
      tracks: this.#local.tracks,
      media: this.#local.state,
      send: (message) => this.#socket.send(message),
      ice_servers: (if_older) => this.#ice_servers.get(if_older),
    });
    this.#path = path;
    this.#path_key = key;
    this.#policy = descriptor.ice_transport_policy;
    this.#peer_id = peer.id;
    this.#watch(path, peer.id);
    await path.prepare();
    if (this.#path !== path) return;
    await path.swap(previous);
    const proved = await path.verify(VERIFY_WITHIN_MS);
    // ICE restarts mend a broken way, not a connection that stands and carries nothing (a failed DTLS handshake).
    const stands = this.#path === path && this.path.route !== "";
    if (!proved && stands && !peer.polite && this.#socket.is_up) this.#renew_page(descriptor.ice_transport_policy);
  }

  #drop_path() {
    const path = this.#path;
    this.#path = null;
    this.#path_key = "";
    this.#peer_id = "";
    if (!path) return;
    path.close();
    this.#emit("path", { state: "none", route: "", local: "", remote: "", protocol: "", rtt_ms: null });
  }

  /** @param {MediaPath} path @param {string} peer */
  #watch(path, peer) {
    /** A path that was replaced has nothing more to say. @param {string} type @param {(detail: any) => void} handle */
    const on = (type, handle) =>
      path.addEventListener(type, (event) => {
        if (this.#path === path) handle(/** @type {CustomEvent} */ (event).detail);
      });
    on("change", (report) => {
      this.#emit("path", report);
      this.#tell_server(report);
    });
    on("remote-track", (detail) => this.#emit("remote-track", { peer, ...detail }));
    on("pulse", (detail) => {
      this.#emit("heartbeat", detail);
      // The same network may have carried the socket: find out now, an ICE restart needs it.
      if (detail.state === "lost") this.#socket.probe();
    });
    on("peer-media", (detail) => this.#emit("peer-media", { peer, ...detail }));
    on("open", () => path.send_history(this.messages));
    on("chat", (candidate) => this.#take_chat([{ ...candidate, from: peer }], true));
    on("history", (candidates) => this.#take_chat(candidates, false));
    on("quality", (detail) => this.#emit("quality", detail));
    on("trouble", (detail) => this.#emit("trouble", detail));
  }

  /** @param {unknown[]} candidates @param {boolean} live */
  #take_chat(candidates, live) {
    const added = candidates.filter((candidate) => this.#chat.add(candidate));
    if (added.length > 0) this.#emit("chat", { message: live ? added[0] : null, messages: this.messages });
  }

  /** @param {PathReport} report */
  #tell_server({ state, route, local, remote, rtt_ms }) {
    const words = `${state} ${route}`;
    if (state === "new" || state === "closed" || words === this.#told) return;
    const rounded = rtt_ms === null ? null : Math.round(rtt_ms);
    if (this.#socket.send({ type: "path", report: { state, route, local, remote, rtt_ms: rounded } })) this.#told = words;
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
