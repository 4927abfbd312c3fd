/**
 * What people in a room say to each other through the server, which keeps none of it: what their devices do, chat, and
 * the chat so far for who comes new or comes back. Several pages merge by message id, so a repeat does no harm.
 *
 * Events (CustomEvents): "peer-media" ({peer, ...MediaState}), "chat" ({peer, message}), "history" ({peer, messages}), "still" ({peer, message}),
 * "open" ({peer}): that person's page is new here and wants the history.
 *
 * @import { ChatMessage } from "../lib/chat_log.js"
 * @import { MediaState } from "../lib/media_state.js"
 * @import { Saying } from "../lib/protocol.js"
 * @import { Person } from "./media_path.js"
 */

import { MAX_MESSAGES } from "../lib/chat_log.js";
import { believable, history_pages, messages_for } from "../lib/chat_share.js";
import { media_state } from "../lib/media_state.js";

/** Who asks again sooner has been answered. */
const ANSWER_PAUSE_MS = 1000;

export class SfuConversation extends EventTarget {
  #me;
  #say;
  /** @type {MediaState} */
  #media;
  /** @type {Map<string, string>} pages by person */
  #pages = new Map();
  /** @type {Map<string, MediaState>} */
  #peer_media = new Map();
  /** @type {Map<string, number>} when each person last asked for the history */
  #asked_at_ms = new Map();
  #started = false;

  /** @param {{me: string, media: MediaState, say: (to: string|null, body: Saying) => boolean}} options say: false when the socket is down */
  constructor({ me, media, say }) {
    super();
    this.#me = me;
    this.#media = media;
    this.#say = say;
  }

  /** @param {string} peer @returns {MediaState|null} null while that page has not said it */
  media_of(peer) {
    return this.#peer_media.get(peer) ?? null;
  }

  /** @param {Person[]} people */
  set_people(people) {
    const others = people.filter(({ id }) => id !== this.#me);
    const here = new Set(others.map(({ id }) => id));
    for (const id of this.#pages.keys()) if (!here.has(id)) this.#forget(id);
    if (!this.#started) this.#say(null, this.#media_saying);
    for (const { id, page } of others) {
      if (!page || this.#pages.get(id) === page) continue;
      this.#pages.set(id, page);
      if (this.#started) this.#say(id, this.#media_saying);
      this.#emit("open", { peer: id });
    }
    this.#started = true;
  }

  /** @param {MediaState} media */
  set_media(media) {
    this.#media = media;
    this.#say(null, this.#media_saying);
  }

  /** @param {ChatMessage} message @returns {boolean} false: said later, with the history */
  send_chat({ id, at_ms, text }) {
    return this.#say(null, { kind: "chat", message: { id, at_ms, text } });
  }

  /** @param {ChatMessage[]} messages @param {string} peer */
  send_history(messages, peer) {
    const given = messages_for(messages, { me: this.#me, peer, people: [...this.#pages.keys()] });
    for (const page of history_pages(given)) this.#say(peer, { kind: "history", messages: page });
  }

  /** The socket was away: say again what may have been missed, and let the others say it too. */
  resume() {
    this.#say(null, this.#media_saying);
    for (const id of this.#pages.keys()) {
      this.ask(id);
      this.#emit("open", { peer: id });
    }
  }

  /** Lets somebody say again what they said. @param {string} peer */
  ask(peer) {
    this.#say(peer, { kind: "history", messages: [] });
  }

  /** @param {string} from written by the server @param {any} body what a page said: trusted to be nothing in particular */
  receive(from, body) {
    if (from === this.#me || typeof body !== "object" || body === null) return;
    if (body.kind === "media") {
      const media = media_state(body.media);
      this.#peer_media.set(from, media);
      this.#emit("peer-media", { peer: from, ...media });
    } else if (body.kind === "chat") {
      this.#emit("chat", { peer: from, message: body.message });
    } else if (body.kind === "still") {
      this.#emit("still", { peer: from, message: body.still });
    } else if (body.kind === "history" && Array.isArray(body.messages)) {
      if (body.messages.length === 0) this.#answer(from);
      else this.#take_history(from, body.messages.slice(0, MAX_MESSAGES));
    }
  }

  /** @param {string} from @param {unknown[]} messages */
  #take_history(from, messages) {
    const given = believable(messages, { me: this.#me, sender: from, people: [...this.#pages.keys()] });
    if (given.length > 0) this.#emit("history", { peer: from, messages: given });
  }

  /** An empty history asks for one, by somebody who was away. @param {string} from */
  #answer(from) {
    const now_ms = performance.now();
    if (now_ms - (this.#asked_at_ms.get(from) ?? -Infinity) < ANSWER_PAUSE_MS) return;
    this.#asked_at_ms.set(from, now_ms);
    this.#say(from, this.#media_saying);
    this.#emit("open", { peer: from });
  }

  /** @param {string} peer */
  #forget(peer) {
    this.#pages.delete(peer);
    this.#peer_media.delete(peer);
    this.#asked_at_ms.delete(peer);
  }

  /** @returns {Saying} */
  get #media_saying() {
    return { kind: "media", media: this.#media };
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
