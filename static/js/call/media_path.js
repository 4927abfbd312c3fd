/**
 * The seam every route fits into: peer to peer now, a media server or an external engine later. The pages and the
 * call client know only this contract, so a route can be added or changed in a visit without touching them.
 *
 *   prepare ─▶ connecting ─ verify ─▶ connected ⇄ lost
 *                   └──────(20 s)───▶ failed ──▶ connected      close ─▶ closed, from anywhere
 *
 * @import { ChatMessage } from "../lib/chat_log.js"
 * @import { Message } from "../lib/protocol.js"
 * @import { Want } from "../lib/view_wants.js"
 * @import { MediaState } from "../lib/media_state.js"
 * @import { Slot } from "./peer_connection.js"
 *
 * @typedef {{id: string, page: string|null, present: boolean}} Person
 *
 * @typedef {"new"|"connecting"|"connected"|"lost"|"failed"|"closed"} PathState
 *   failed: not connected in good time, still trying; route "server": through the clinic's media server, by a relay when
 *   `local` is "relay"
 * @typedef {{state: PathState, route: "direct"|"relay"|"server"|"", local: string, remote: string, protocol: string, relay: string, rtt_ms: number|null}} PathReport
 *
 * Events, all CustomEvents: "change" (PathReport), "remote-track" ({slot, track}), "pulse" ({state, silence_ms}),
 * "peer-media" (MediaState), "chat" (unchecked message of the peer), "history" (array of them), "still" (unchecked), "open" (null),
 * "quality" ({word, factor, rates}), "moved" (engine the peer shows now), "trouble" (error).
 *
 * A path through a server carries everybody: there `peer` is in the detail of "remote-track", "pulse", "peer-media",
 * "chat", "history" and "open", and it also tells "speakers" ({order, speaking}), "peer-quality" ({peer, word, factor})
 * and "refused" ({code, message}).
 */

import { NOTHING_COUNTED } from "./frame_transforms.js";

export class MediaPath extends EventTarget {
  /** @type {PathReport} */
  report = { state: "new", route: "", local: "", remote: "", protocol: "", relay: "", rtt_ms: null };

  /** Builds the connection and starts negotiating. Resolves when negotiation has begun, not when it is done. */
  async prepare() {}

  /**
   * Resolves true when media is proved on both sides: decoded here, and the peer said so. False when it was not in
   * `timeout_ms`, or the path was closed meanwhile; the path goes on trying until it is closed.
   *
   * @param {number} timeout_ms
   * @returns {Promise<boolean>}
   */
  async verify(timeout_ms) {
    return timeout_ms < 0;
  }

  /**
   * Takes over from `previous`: announces this path's remote tracks, each as soon as it plays while `previous` still does,
   * else all at once. Resolves when all are announced; closing the other is for whoever keeps both.
   *
   * @param {MediaPath|null} _previous
   */
  async swap(_previous) {}

  /** Sends in full; a path that was built warm sends only what it takes to be measured. */
  send_in_full() {}

  /** The picture waits until the sound gets through again. */
  send_sound_first() {}

  /** @param {string} _peer @returns {boolean} whether something of this person may come over this path now */
  reaches(_peer) {
    return true;
  }

  /** @returns {import("../lib/quality_window.js").Measured|null} the last seconds; null when there is nothing to report */
  measured() {
    return null;
  }

  /** @returns {import("../lib/quality_report.js").Remedy} what is done already about a thin path */
  get remedy() {
    return "";
  }

  /** Tells the other page, where this path reaches it, whose media this page shows now. @param {string} _engine */
  tell_moved(_engine) {}

  /** Ends everything at once and for good. */
  close() {
    this.note({ state: "closed", route: "" });
  }

  /** @param {Slot} _slot @param {MediaStreamTrack|null} _track */
  async set_track(_slot, _track) {}

  /** @param {MediaState} _state */
  set_media(_state) {}

  /** @param {ChatMessage} _message @returns {boolean} */
  send_chat(_message) {
    return false;
  }

  /** How much of a picture goes into one message; 0: none may leave over this path. */
  get still_part_bytes() {
    return 0;
  }

  /** @param {string} _peer @param {Record<string, unknown>} _still @returns {Promise<boolean>} when the next may follow; false: it did not leave */
  async send_still(_peer, _still) {
    return false;
  }

  /** @param {ChatMessage[]} _messages @param {string} [_peer] to this person alone, as "open" named it */
  send_history(_messages, _peer) {}

  /** @param {Message} _message a `signal` or `ack` of the peer */
  receive_signal(_message) {}

  /** @param {Message} _message of the media server, or said by another page through it */
  receive_sfu(_message) {}

  /** @param {Person[]} _people everybody else who is admitted */
  set_people(_people) {}

  /** @param {string} _peer said something that could not be read here */
  ask_again(_peer) {}

  /** @param {Want[]} _view what the page shows, and how large */
  set_view(_view) {}

  /** @param {boolean} _socket_up @param {boolean} _peer_present */
  set_reachable(_socket_up, _peer_present) {}

  /** @param {number} _now_ms a monotonic clock; called about four times a second */
  tick(_now_ms) {}

  /** Another connection has another name; its frames are counted from zero. */
  get connection_name() {
    return "";
  }

  /** @returns {Promise<import("./frame_transforms.js").Counted>} frames the transforms carried on the connection of now */
  async count() {
    return NOTHING_COUNTED;
  }

  /** @param {Partial<PathReport>} changes told as "change" when state or route became another one */
  note(changes) {
    const before = this.report;
    this.report = { ...before, ...changes };
    if (this.report.state !== before.state || this.report.route !== before.route) this.emit("change", this.report);
  }

  /** @param {string} type @param {unknown} detail */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** A path that connects to nobody at once: for tests of what stands above the seam. */
export class NullPath extends MediaPath {
  /** @type {string[]} */
  calls = [];

  async prepare() {
    this.calls.push("prepare");
    this.note({ state: "connecting" });
  }

  async verify() {
    this.calls.push("verify");
    this.note({ state: "connected", route: "direct" });
    return true;
  }

  /** @param {MediaPath|null} _previous */
  async swap(_previous) {
    this.calls.push("swap");
  }

  close() {
    this.calls.push("close");
    super.close();
  }
}
