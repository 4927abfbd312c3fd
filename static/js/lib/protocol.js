/**
 * The words of docs/PROTOCOL.md: what the browser and the server say to each other.
 *
 * @typedef {{kind: "description", type: "offer"|"answer"|"pranswer"|"rollback", sdp: string}} DescriptionBody
 * @typedef {{candidate: string, sdpMid: string|null, sdpMLineIndex: number|null, usernameFragment: string|null}} Candidate
 * @typedef {{kind: "candidate", candidate: Candidate|null}} CandidateBody null: no more will come
 * @typedef {{kind: "restart"}} RestartBody please restart ICE; sent by the polite side
 * @typedef {{kind: "hidden"}} HiddenBody stands where the server withheld a candidate; means nothing
 * @typedef {DescriptionBody|CandidateBody|RestartBody|HiddenBody} SignalBody
 *
 * @typedef {{id: string, polite: boolean}} Peer
 * @typedef {object} JoinDescriptor
 * @property {string} engine
 * @property {{route: string, reasons: {code: string, text: string}[]}} decision
 * @property {Peer[]} peers
 * @property {"all"|"relay"} ice_transport_policy
 * @property {number} heartbeat_ms
 * @property {number} lost_after_ms
 * @property {string[]} codecs
 * @property {number} [room_size] of a media server: for how many people slots are made
 * @property {import("./simulcast.js").Layer[]} [layers] of a media server: lowest first
 * @property {JoinDescriptor|null} [warm] the other engine: a path to be built beside this one and shown to nobody
 * @property {{profile: string, limits: import("./quality.js").Limits}} [quality] what the clinic finds acceptable for this kind of visit
 *
 * @typedef {{id: string, role: string, name: string, state: string, present: boolean, kind?: string, page: string|null}} Participant
 * @typedef {object} Snapshot what this viewer may know of the room
 * @property {{code: string, state: string, frame_encryption?: "required"|"off", [key: string]: unknown}} room
 * @property {{id: string, role: string, name: string, state: string, device_state?: string}} me
 * @property {JoinDescriptor|null} join
 * @property {Participant[]} participants
 *
 * @typedef {{type: string, [key: string]: any}} Message
 *
 * What people say to each other through the server while a media server carries them; it keeps nothing of it.
 * @typedef {import("./media_state.js").MediaState} MediaState
 * @typedef {import("./chat_log.js").ChatMessage} ChatMessage
 * Keys and sealed words are passed on unread (call/frame_keys.js, call/sealed_talk.js).
 * @typedef {{kind: "media", media: MediaState}|{kind: "keys", keys: object}|{kind: "sealed"|"part", data: string}|{kind: "still", still: Record<string, unknown>}|{kind: "chat", message: Omit<ChatMessage, "from">}|{kind: "history", messages: ChatMessage[]}} Saying
 */

export const VERSION = 1;
export const MAX_FRAME_BYTES = 65_536;

/** After these the same page must not come back by itself; every other code means: try again. */
const FINAL_CLOSE_CODES = new Map([
  [4400, "bad_message"],
  [4401, "not_signed_in"],
  [4403, "not_allowed"],
  [4404, "unknown"],
  [4409, "replaced"],
  [4410, "visit_ended"],
  [4413, "too_large"],
]);

/**
 * @param {number} code WebSocket close code
 * @returns {string|null} the reason when the code is final, null when the socket should be opened again
 */
export function final_close_reason(code) {
  return FINAL_CLOSE_CODES.get(code) ?? null;
}

/**
 * Where a page asks again for its socket's address: the process that served the visit may be gone for good.
 *
 * @param {string} ws_url absolute or a path
 * @returns {string|null} a path of the page's own site; null for an address that is not a visit's
 */
export function socket_lookup_path(ws_url) {
  const found = /\/ws\/visit\/([^/?]+)\/\?as=(seat|staff)$/.exec(ws_url);
  return found && `/${found[2] === "seat" ? "v" : "visit"}/${found[1]}/socket/`;
}

/** @param {string} page @param {number} rev the newest room revision this page has seen, 0 for none */
export function hello(page, rev) {
  return { type: "hello", v: VERSION, page, rev };
}

/** @param {string} to @param {string} stream @param {number} seq @param {SignalBody} body */
export function signal(to, stream, seq, body) {
  return { type: "signal", to, stream, seq, body };
}

/** @param {string} to @param {string} stream @param {number} seq highest contiguous sequence number received */
export function ack(to, stream, seq) {
  return { type: "ack", to, stream, seq };
}

/** What the media server or, through it, another page tells. */
export const SFU_MESSAGES = ["sfu_slots", "sfu_speakers", "sfu_presence", "sfu_quality", "sfu_closed", "said"];

/** @param {string|null} to a participant, null for everybody @param {Saying} body */
export function say(to, body) {
  return { type: "say", to, body };
}

/** @param {import("./view_wants.js").Want[]} wants */
export function sfu_view(wants) {
  return { type: "sfu_view", wants };
}

/** @param {number} rev */
export function ping(rev) {
  return { type: "ping", rev };
}

/**
 * The parsed message, or null for anything that is not one: an old page must survive a newer server.
 *
 * @param {unknown} text
 * @returns {Message|null}
 */
export function parse(text) {
  if (typeof text !== "string") return null;
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof message !== "object" || message === null || typeof message.type !== "string") return null;
  return message;
}

/**
 * The name of one direction of one connection. Naming both pages makes a stream end when either page reloads, so a
 * late repeat from before a reload can never be taken for a message of the new one. Pages that leave their direct
 * connection and build another one later count: both use the larger of their two numbers.
 *
 * @param {string} sender_page
 * @param {string} receiver_page
 * @param {number} [generation] 0 for the first connection of two pages
 */
export function stream_id(sender_page, receiver_page, generation = 0) {
  return `${sender_page}.${receiver_page}${generation > 0 ? `.${generation}` : ""}`;
}

/** @param {string} stream @returns {{sender_page: string, receiver_page: string, generation: number}} */
export function parse_stream_id(stream) {
  const [sender_page = "", receiver_page = "", generation = "0"] = stream.split(".");
  return { sender_page, receiver_page, generation: Number(generation) || 0 };
}
